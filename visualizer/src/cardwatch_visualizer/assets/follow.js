// What happens now: takes ticks as server-sent events, and keeps a bounded part of them.
(function () {
  "use strict";

  const MOST_ROWS = 300;
  const MOST_WAITING = 1000;
  const MOST_POINTS = 400;
  const KEEP_MAP_MS = 120000;
  const SPAN_S = 600;
  const LET_GO_MS = 30000; // a browser has six connections to a server, for all its tabs

  const state = Object.assign((window.cardwatchLive = window.cardwatchLive || {}), {
    source: null,
    last: "",
    hiding: 0,
    connected: false,
    heardAt: 0, // by this browser's clock that only goes forward
    ageThen: 0,
    why: "",
    tick: null,
    seconds: new Map(),
    rows: [],
    waiting: [],
    dropped: 0,
    paused: false,
    groups: {},
    banks: [],
    known: new Set(), // banks
    configs: [],
    acks: [], // each subtask's word
    health: null,
    places: [],
    arcs: [],
    control: { view: "stream", text: "", banks: [], detectors: [], trials: true },
    drawing: false,
    undrawn: false, // something came since the last draw began
  });

  function take(tick, isAll) {
    state.tick = tick;
    if (isAll) {
      state.seconds.clear();
      state.rows = [];
      state.waiting = [];
      state.dropped = 0;
    }
    for (const second of tick.seconds || []) {
      state.seconds.set(second[0], second);
    }
    const oldest = tick.at / 1000 - SPAN_S;
    for (const at of state.seconds.keys()) {
      if (at < oldest) {
        state.seconds.delete(at);
      }
    }
    for (const user of tick.forgotten || []) {
      state.rows = state.rows.filter((row) => row.user_id !== user);
      state.waiting = state.waiting.filter((row) => row.user_id !== user);
    }
    for (const row of tick.alerts || []) {
      (state.paused && !isAll ? state.waiting : state.rows).push(row);
    }
    if (state.waiting.length > MOST_WAITING) {
      state.dropped += state.waiting.length - MOST_WAITING;
      state.waiting = state.waiting.slice(-MOST_WAITING);
    }
    state.rows = state.rows.slice(-MOST_ROWS);
    state.groups = tick.groups || state.groups;
    state.banks = tick.banks || state.banks;
    state.configs = tick.configs || state.configs;
    state.acks = tick.acks || state.acks;
    state.health = tick.health || state.health;
    for (const place of tick.places || []) {
      state.places.push([tick.at, place]);
    }
    for (const arc of tick.arcs || []) {
      state.arcs.push([tick.at, arc]);
    }
    const since = tick.at - KEEP_MAP_MS;
    state.places = state.places.filter((each) => each[0] >= since).slice(-MOST_POINTS);
    state.arcs = state.arcs.filter((each) => each[0] >= since).slice(-MOST_POINTS);
  }

  function heard(ageMs) {
    state.connected = true;
    state.heardAt = performance.now();
    state.ageThen = ageMs;
  }

  function start() {
    if (state.source) {
      return;
    }
    const since = state.last ? `?since=${encodeURIComponent(state.last)}` : "";
    const source = (state.source = new EventSource(`/live/events${since}`));
    const on = (kind, isAll) =>
      source.addEventListener(kind, (event) => {
        state.why = "";
        state.last = event.lastEventId;
        heard(0);
        take(JSON.parse(event.data), isAll);
        state.soon();
      });
    on("snapshot", true);
    on("tick", false);
    source.addEventListener("status", (event) => {
      const status = JSON.parse(event.data);
      state.why = status.why || "";
      heard(status.age_ms === null ? Infinity : status.age_ms);
    });
    source.onerror = () => {
      state.connected = false;
      if (source.readyState === EventSource.CLOSED) {
        state.source = null; // it was refused: too many follow, or nobody is logged in
        window.setTimeout(start, 3000);
      }
    };
  }

  function showOrHide() {
    window.clearTimeout(state.hiding);
    if (document.hidden) {
      state.hiding = window.setTimeout(() => {
        if (state.source) {
          state.source.close();
          state.source = null;
        }
      }, LET_GO_MS);
    } else {
      start();
      state.soon();
    }
  }

  // What waits comes in, one or all of it.
  function letIn(all) {
    const coming = all ? state.waiting : state.waiting.slice(0, 1);
    state.waiting = state.waiting.slice(coming.length);
    state.rows = state.rows.concat(coming).slice(-MOST_ROWS);
    state.dropped = all ? 0 : state.dropped;
  }

  Object.assign(state, { start, letIn });
  document.addEventListener("visibilitychange", showOrHide);
})();
