"""Plays the outside world until it is told to stop: python -m tests.fakes --help."""

from __future__ import annotations

import argparse
import signal

from tests.fakes.aws import AwsServer
from tests.fakes.ecr import registry_of
from tests.fakes.google import GoogleServer
from tests.fakes.graph import GraphServer
from tests.fakes.mailbox import MailboxPage
from tests.fakes.plaid import FakePlaid
from tests.fakes.slack import SlackServer
from tests.fakes.smtp import MailServer
from tests.fakes.stripe_server import StripeServer

STOPS = {signal.SIGINT, signal.SIGTERM}


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.fakes", description="Play the outside world.")
    parser.add_argument("--smtp-port", type=int, required=True, help="where mail is taken")
    parser.add_argument("--page-port", type=int, required=True, help="where it can be read")
    parser.add_argument("--plaid-port", type=int, required=True, help="where Plaid's API is spoken")
    parser.add_argument("--aws-port", type=int, required=True, help="where AWS's API is spoken")
    parser.add_argument("--registry-port", type=int, required=True, help="where images are pushed to")
    parser.add_argument("--google-port", type=int, required=True, help="where Google's calendar is")
    parser.add_argument("--graph-port", type=int, required=True, help="where Microsoft's calendar is")
    parser.add_argument("--slack-port", type=int, required=True, help="where Slack's API is spoken")
    parser.add_argument("--stripe-port", type=int, required=True, help="where orders are paid")
    parser.add_argument("--service-url", required=True, help="where bank and Stripe tell of what happens")
    given = parser.parse_args()
    # Before any thread is started, so that none of them takes the signal instead of this one.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)
    mails = MailServer(port=given.smtp_port).start()
    page = MailboxPage(mails=mails, port=given.page_port).start()
    aws = AwsServer(port=given.aws_port).start()
    webhooks = f"{given.service_url}/api/v1/webhooks"
    work = [
        registry_of(aws, port=given.registry_port).start(),
        GoogleServer(port=given.google_port).start(),
        GraphServer(port=given.graph_port).start(),
        SlackServer(port=given.slack_port).start(),
        StripeServer(port=given.stripe_port, webhook_url=f"{webhooks}/stripe").start(),
    ]
    print(f"A phone to push to, by Amazon SNS: {_phone(aws)}", flush=True)
    with FakePlaid(port=given.plaid_port, webhook_url=f"{webhooks}/plaid"):
        signal.sigwait(STOPS)
    for server in work:
        server.close()
    aws.close()
    page.close()
    mails.close()


def _phone(aws: AwsServer) -> str:
    """The address (ARN) of a device that takes push messages."""
    sns = aws.client("sns")
    made = sns.create_platform_application(Name="demo", Platform="GCM", Attributes={})
    application = made["PlatformApplicationArn"]
    device = sns.create_platform_endpoint(PlatformApplicationArn=application, Token="demo")
    return str(device["EndpointArn"])


if __name__ == "__main__":
    main()
