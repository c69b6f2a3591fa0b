// What is around pages: the navigation says which of them this is.
(function () {
  "use strict";

  const dash = (window.dash_clientside = window.dash_clientside || {});
  dash.cardwatch = Object.assign(dash.cardwatch || {}, {
    here: (pathname) => {
      for (const link of document.querySelectorAll(".cw-nav")) {
        if (link.pathname === pathname) {
          link.setAttribute("aria-current", "page");
        } else {
          link.removeAttribute("aria-current");
        }
      }
      return pathname;
    },
  });
})();
