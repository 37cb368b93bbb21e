// Moves about by the keyboard; a switch in the list of keys turns that off.
"use strict";
(() => {
  const OFF = "groundwork.keys", LEADER = "g", TIMEOUT_MS = 1500;
  const list = document.getElementById("keys");
  const opener = document.getElementById("show-keys");
  if (!list) return;

  const on = document.getElementById("keys-on");
  let led = 0;

  function remembered() {
    try {
      return localStorage.getItem(OFF) !== "off";
    } catch {
      return true; // a browser that keeps nothing
    }
  }

  function remember() {
    try {
      localStorage.setItem(OFF, on.checked ? "on" : "off");
    } catch {
      // It holds for this page, then.
    }
  }

  function press(event) {
    const isWriting = event.target.closest("input, select, textarea, [contenteditable]");
    if (!on.checked || event.ctrlKey || event.metaKey || event.altKey || isWriting || list.open) return;
    const isLed = Date.now() - led < TIMEOUT_MS;
    led = event.key === LEADER ? Date.now() : 0;
    if (event.key === "?") list.showModal();
    else if (event.key === "/") focus(event);
    else if (isLed) go(event.key);
  }

  function focus(event) {
    const search = document.querySelector("main input[type=search], main [data-search]");
    if (!search) return;
    event.preventDefault();
    search.focus();
    search.select();
  }

  function go(key) {
    for (const link of document.querySelectorAll("header a[data-key]"))
      if (link.dataset.key === key) link.click();
  }

  on.checked = remembered();
  on.addEventListener("change", remember);
  opener.hidden = false;
  opener.addEventListener("click", () => list.showModal());
  document.addEventListener("keydown", press);
})();
