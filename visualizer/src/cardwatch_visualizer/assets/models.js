// The page of models: what is chosen stands in its address.
(function () {
  "use strict";

  const USUAL = { period: "24h" }; // where the address names none

  const dash = (window.dash_clientside = window.dash_clientside || {});
  dash.cardwatch = Object.assign(dash.cardwatch || {}, {
    modelsAddress: (config, period) => {
      window.cardwatchAddress({ config, period }, USUAL);
      return window.dash_clientside.no_update;
    },
  });
})();
