// What the live page's controls do.
(function () {
  "use strict";

  const state = (window.cardwatchLive = window.cardwatchLive || {});
  const USUAL = { view: "stream" }; // where the address names none
  const none = () => window.dash_clientside.no_update;

  function show(view) {
    const shown = { stream: "stream", map: "map" }[view] || "groups";
    for (const each of ["stream", "groups", "map"]) {
      const part = document.getElementById(`live-${each}-view`);
      if (part) {
        part.classList.toggle("cw-hidden", each !== shown);
      }
    }
    const map = state.graph("live-map");
    if (shown === "map" && map) {
      window.Plotly.Plots.resize(map);
    }
  }

  function hold(isPaused) {
    state.paused = isPaused;
    state.text("live-pause", isPaused ? "Resume" : "Pause");
  }

  const dash = (window.dash_clientside = window.dash_clientside || {});
  dash.cardwatch = Object.assign(dash.cardwatch || {}, {
    zone: () => Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC",
    follow: () => {
      state.start();
      state.soon();
      window.setTimeout(window.cardwatchTheme, 800);
      return none();
    },
    control: (view, words, banks, detectors, trials) => {
      state.control = { view, text: words, banks, detectors, trials };
      show(view);
      window.cardwatchAddress({ view, filter: words }, USUAL);
      hold(state.paused); // the button may be another by now
      state.draw();
      return none();
    },
    pause: () => {
      hold(!state.paused);
      if (!state.paused) {
        state.letIn(true);
      }
      state.draw();
      return none();
    },
    step: () => {
      hold(true);
      state.letIn(false);
      state.draw();
      return none();
    },
    openRow: (cell) => (cell && cell.rowId ? `/review?alert=${cell.rowId}` : none()),
    filterBy: (cell) => (cell && cell.rowId ? [cell.rowId, "stream"] : [none(), none()]),
  });
})();
