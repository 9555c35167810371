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
    const answer = await fetch(location.href, { headers: { accept: "text/html" }, redirect: "error" });
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
