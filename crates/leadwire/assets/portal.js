// What makes pages live; without it every page and form works as well.
"use strict";
(() => {
  const trusted = window.trustedTypes?.createPolicy("leadwire", { createHTML: (text) => text });
  const markup = (text) => (trusted ? trusted.createHTML(text) : text);

  // Times are those of where the browser is, from the next page on: only it knows its zone.
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const bound = window.top === window ? "SameSite=Lax" : "SameSite=None; Secure; Partitioned";
  if (zone) document.cookie = `leadwire_zone=${zone}; Path=/; Max-Age=31536000; ${bound}`;

  // Parts that change by themselves are fetched anew, while somebody looks.
  const every = 5000;
  const parts = () => [...document.querySelectorAll("[data-live]")];
  async function refresh() {
    if (document.hidden || parts().length === 0) return;
    // Within a frame nobody is signed in but by its own link.
    const framed = window.top === window ? {} : { "x-leadwire-framed": "1" };
    const headers = { accept: "text/html", ...framed };
    const answer = await fetch(location.href, { headers, redirect: "error" });
    if (!answer.ok) return;
    const page = new DOMParser().parseFromString(markup(await answer.text()), "text/html");
    for (const old of parts()) {
      const now = page.getElementById(old.id);
      if (now && !old.contains(document.activeElement)) old.replaceWith(document.adoptNode(now));
    }
  }
  if (parts().length > 0) setInterval(() => refresh().catch(() => {}), every);

  // A choice that is made is shown at once.
  const chooser = document.querySelector("form.publisher select");
  chooser?.addEventListener("change", () => chooser.form.requestSubmit());

  // A setting that has a meaning only beside a certain choice is shown beside that choice alone.
  document.documentElement.classList.add("scripted");
  const dependents = [...document.querySelectorAll("[data-when]")];
  const settle = () => {
    for (const it of dependents) {
      const choice = document.getElementById(it.dataset.when);
      it.hidden = !choice || choice.disabled || choice.value !== it.dataset.is;
      for (const input of it.querySelectorAll("input, select, textarea")) input.disabled = it.hidden;
    }
  };
  settle();
  if (dependents.length > 0) document.addEventListener("change", settle);
  // What is wrong with a form is read out and seen first.
  document.getElementById("wrong")?.focus();

  // A menu that is open is closed by Escape, by a click elsewhere, and by opening another one.
  const menus = [...document.querySelectorAll("details.menu")];
  const close = (but) => menus.filter((it) => it.open && it !== but).forEach((it) => (it.open = false));
  document.addEventListener("click", (event) => close(event.target.closest("details.menu")));
  document.addEventListener("keydown", (event) => {
    const own = menus.find((it) => it.open);
    if (event.key !== "Escape" || !own) return;
    close();
    own.querySelector("summary").focus();
  });

  // What can be copied has a button; without the right to the clipboard it is marked, to be copied by hand.
  for (const button of document.querySelectorAll("[data-copy]")) {
    const text = document.getElementById(button.dataset.copy);
    button.hidden = false;
    button.addEventListener("click", async () => {
      getSelection().selectAllChildren(text);
      try {
        await navigator.clipboard.writeText(text.textContent);
        button.textContent = button.dataset.copied;
      } catch {
        // It is marked already.
      }
    });
  }

  // The way to anything by its name: the page of it, asked while somebody types.
  const palette = document.getElementById("palette");
  const sought = palette?.querySelector("input[name=find]");
  const found = palette?.querySelector(".found");
  let asking = 0;
  let shown;
  async function find(part) {
    const number = ++asking;
    const words = sought.value;
    const query = new URLSearchParams(new FormData(sought.form));
    const answer = await fetch(`${sought.form.action}?${query}`, { headers: { accept: "text/html" }, redirect: "error" });
    if (!answer.ok || number !== asking) return;
    const page = new DOMParser().parseFromString(markup(await answer.text()), "text/html");
    const piece = page.getElementById(part);
    for (const it of piece.querySelectorAll("[id]")) it.id = `palette-${it.id}`;
    for (const it of piece.querySelectorAll("[aria-labelledby]")) it.setAttribute("aria-labelledby", `palette-${it.getAttribute("aria-labelledby")}`);
    found.replaceChildren(...[...piece.childNodes].map((it) => document.adoptNode(it)));
    shown = words;
  }
  // The first of what was found for what is typed by now, and not for what was typed before.
  async function go() {
    if (shown !== sought.value) await find("found");
    const first = found.querySelector("a");
    if (first) first.click();
    else sought.form.submit();
  }
  function open(part) {
    if (!palette.open) palette.showModal();
    sought.value = "";
    sought.focus();
    find(part).catch(() => {});
  }
  if (/Mac|iPhone|iPad/.test(navigator.userAgent)) {
    for (const it of document.querySelectorAll(".go kbd")) it.textContent = "⌘ K";
  }
  if (palette) {
    let timer;
    sought.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(() => find("found").catch(() => {}), 120);
    });
    palette.addEventListener("keydown", (event) => {
      const links = [...found.querySelectorAll("a")];
      const at = links.indexOf(document.activeElement);
      if (event.key === "ArrowDown") links[Math.min(at + 1, links.length - 1)]?.focus();
      else if (event.key === "ArrowUp") (at <= 0 ? sought : links[at - 1]).focus();
      else if (event.key === "Enter" && event.target === sought) go().catch(() => sought.form.submit());
      else return;
      event.preventDefault();
    });
    palette.addEventListener("click", (event) => {
      if (event.target === palette) palette.close();
    });
    document.querySelector("[data-go]")?.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      open("found");
    });
  }

  // Keys, never while somebody types: `/` leads to the search, `?` says which keys there are. Ctrl K leads anywhere.
  document.addEventListener("keydown", (event) => {
    const isAny = event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey;
    if (palette && isAny) {
      event.preventDefault();
      if (palette.open) palette.close();
      else open("found");
      return;
    }
    const typing = event.target.closest?.("input, select, textarea, [contenteditable]");
    if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (palette && event.key === "?") {
      event.preventDefault();
      open("keys");
    }
    const search = document.querySelector("[data-search]");
    if (event.key !== "/" || !search) return;
    event.preventDefault();
    search.focus();
  });
})();
