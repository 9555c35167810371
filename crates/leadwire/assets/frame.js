// Tells the page that holds this form how tall the form is. Nothing else of it is told.
(function () {
  "use strict";
  if (window.parent === window) return;
  function tell() {
    window.parent.postMessage({ leadwireHeight: document.documentElement.offsetHeight }, "*");
  }
  new ResizeObserver(tell).observe(document.documentElement);
  tell();
})();
