// What makes pages live; without it every page and form works as well.
"use strict";
(() => {
  const trusted = window.trustedTypes?.createPolicy("leadwire", { createHTML: (text) => text });
  const markup = (text) => (trusted ? trusted.createHTML(text) : text);

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

  // `/` leads to the search, as elsewhere, and never while somebody types.
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest?.("input, select, textarea, [contenteditable]");
    if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
    const search = document.querySelector("[data-search]");
    if (!search) return;
    event.preventDefault();
    search.focus();
  });
})();
