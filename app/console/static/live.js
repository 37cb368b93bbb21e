// Keeps the marked parts of a page as the service has them, while somebody looks at it.
"use strict";
(() => {
  const EVERY_MS = 1200, MAX_PAUSE_MS = 60000, TIMEOUT_MS = 10000;
  const parts = () => document.querySelectorAll("[data-live]");
  const state = document.getElementById("live");
  const announcer = document.getElementById("announcer");
  if (!document.querySelector("main [data-live]")) return;

  let pause = EVERY_MS, timer = 0, asking = false, over = false, said = sentences();

  function sentences() {
    return [...document.querySelectorAll("[data-says]")].map((one) => one.textContent.trim()).join(" ");
  }

  // What somebody is about to press, writes in or has marked must not change under the hand.
  function isInHand(part) {
    const selection = getSelection();
    return part.querySelector("a:focus, :is(button, input, select, textarea, summary):is(:focus, :hover)") ||
      (!selection.isCollapsed && selection.containsNode(part, true));
  }

  function takeAttributes(old, fresh) {
    const isTheirs = (name) => name === "open"; // which details are open
    for (const { name } of [...old.attributes])
      if (!fresh.hasAttribute(name) && !isTheirs(name)) old.removeAttribute(name);
    for (const { name, value } of fresh.attributes)
      if (old.getAttribute(name) !== value && !isTheirs(name)) old.setAttribute(name, value);
  }

  // Changes what differs and leaves the rest in place, so that scrolling, focus and open details stay.
  function morph(old, fresh) {
    if (old.isEqualNode(fresh)) return;
    if (old.nodeType !== Node.ELEMENT_NODE) {
      old.nodeValue = fresh.nodeValue;
      return;
    }
    takeAttributes(old, fresh);
    const byId = new Map([...old.children].map((child) => [child.id, child]));
    let at = old.firstChild;
    for (const next of [...fresh.childNodes]) {
      const found = next.id ? byId.get(next.id) : at && !at.id && at;
      if (!found || found.nodeName !== next.nodeName) {
        old.insertBefore(document.importNode(next, true), at);
        continue;
      }
      if (found === at) at = at.nextSibling;
      else old.insertBefore(found, at);
      morph(found, next);
    }
    while (at) {
      const gone = at;
      at = at.nextSibling;
      gone.remove();
    }
  }

  async function refresh() {
    const answer = await fetch(location.href, {
      cache: "no-store", headers: { "Groundwork-Live": "1" }, redirect: "manual",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    if (answer.type === "opaqueredirect" || answer.status === 404) {
      over = true;
      return "No longer live: reload the page.";
    }
    if (!answer.ok) throw new Error(answer.status);
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    let held = false;
    for (const part of parts()) {
      const its = fresh.getElementById(part.id);
      if (!its) continue;
      if (isInHand(part)) held = true;
      else morph(part, its);
    }
    return held ? "Waits while you use it" : "Live";
  }

  async function look() {
    if (asking || over || document.hidden) return;
    asking = true;
    try {
      state.textContent = await refresh();
      pause = EVERY_MS;
    } catch {
      pause = Math.min(pause * 2, MAX_PAUSE_MS);
      state.textContent = `No answer; asked again every ${pause / 1000} s`;
    }
    asking = false;
    const now = sentences();
    if (now !== said) announcer.textContent = (said = now).slice(0, 500);
    timer = setTimeout(look, pause);
  }

  document.addEventListener("visibilitychange", () => {
    clearTimeout(timer);
    look();
  });
  state.textContent = "Live";
  timer = setTimeout(look, EVERY_MS);
})();
