#!/bin/sh
# Runs on a host with the packages of Debian: somebody uses them, and keeps files beside them.
set -eu

for number in $(seq 50); do echo "SET shop:$number value-$number"; done | redis-cli >/dev/null
redis-cli SAVE >/dev/null

psql() { runuser -u postgres -- psql -q --cluster "$(cd /etc/postgresql && ls -d */main)" "$@"; }
cd /
psql --command "CREATE ROLE shop LOGIN PASSWORD 'shop'" --command 'CREATE DATABASE shop OWNER shop'
psql --command 'CREATE TABLE bill (id int PRIMARY KEY)' --command 'INSERT INTO bill VALUES (1), (2), (3)' shop
echo 'host shop shop 127.0.0.1/32 scram-sha-256' >>"$(ls /etc/postgresql/*/main/pg_hba.conf)"
echo "log_min_duration_statement = 250" >"$(ls -d /etc/postgresql/*/main/conf.d)/shop.conf"
systemctl restart "postgresql@$(cd /etc/postgresql && ls -d */main | tr / -)"

rm /etc/nginx/sites-enabled/default
cat >/etc/nginx/sites-available/shop <<'SITE'
server {
    listen 80 default_server;
    server_name shop.example;
    location / { return 200 "the shop\n"; }
}
SITE
ln -s /etc/nginx/sites-available/shop /etc/nginx/sites-enabled/shop
sed -i 's/# server_tokens off;/server_tokens off;/' /etc/nginx/nginx.conf
systemctl reload nginx

useradd --uid 2000 --create-home shopkeeper
for folder in /opt/shop /etc/shop /var/backups/shop /home/shopkeeper /var/lib/shop; do
    mkdir -p "$folder" && echo theirs >"$folder/file"
done
echo '5 4 * * * root true' >/etc/cron.d/shop
mkdir /srv/shop
