// Puts an offer's form where this script stands. Which pages may hold it is decided by the offer, not here.
(function () {
  "use strict";
  var script = document.currentScript;
  if (!script) return;
  var at = new URL(script.src);
  var action = script.dataset.action || "ACTION";
  var form = new URL(at.pathname.replace(/embed\.js$/, action), at.origin);
  new URLSearchParams(window.location.search).forEach(function (value, name) {
    form.searchParams.set(name, value);
  });
  ["preview", "form"].forEach(function (name) {
    form.searchParams.delete(name);
  });
  form.searchParams.set("frame", "1");
  form.searchParams.set("referrer", window.location.origin + window.location.pathname);
  var language = script.dataset.lang || document.documentElement.lang;
  if (language) form.searchParams.set("lang", language);
  var frame = document.createElement("iframe");
  frame.src = form.href;
  frame.title = script.dataset.title || "TITLE";
  frame.referrerPolicy = "origin";
  frame.style.width = "100%";
  frame.style.border = "0";
  frame.style.height = "900px";
  window.addEventListener("message", function (event) {
    if (event.source !== frame.contentWindow || event.origin !== at.origin) return;
    var height = event.data && event.data.leadwireHeight;
    if (typeof height === "number" && height > 0 && height < 20000) frame.style.height = height + "px";
  });
  script.after(frame);
})();
