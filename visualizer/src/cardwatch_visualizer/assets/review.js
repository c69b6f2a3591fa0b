// The review page: its filters in the address, its table loaded again when they change.
(function () {
  "use strict";

  const NAMES = ["search", "period", "bank", "detector", "mode", "answer", "amount"];
  const USUAL = { period: "24h" }; // where the address names none
  const AGAIN_MS = 2500; // by then the archive has what Kafka took

  function reload() {
    try {
      window.dash_ag_grid.getApi("review-grid").purgeInfiniteCache();
    } catch (error) {
      return; // it is not there yet, and asks by itself when it is
    }
  }

  const cardwatch = (window.dash_clientside = window.dash_clientside || {});
  cardwatch.cardwatch = Object.assign(cardwatch.cardwatch || {}, {
    reviewFilter: function (...values) {
      const fixed = values.pop() || {};
      const filters = {};
      NAMES.forEach((name, index) => {
        filters[name] = values[index];
      });
      window.cardwatchAddress({ ...filters, ...fixed }, USUAL);
      return filters;
    },
    reviewReload: function (filters, said, fixed) {
      reload();
      if (said) {
        window.setTimeout(() => {
          reload();
          if (document.getElementById("review-page")) {
            window.dash_clientside.set_props("review-again", { data: Date.now() });
          }
        }, AGAIN_MS);
      }
      const chosen = window.cardwatchQuery({ ...filters, ...fixed }, USUAL);
      return ["/review/export.csv" + chosen, "/review/export.parquet" + chosen];
    },
    reviewOpen: function (cell) {
      return cell && cell.rowId ? cell.rowId : window.dash_clientside.no_update;
    },
  });
})();
