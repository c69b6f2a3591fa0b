// Draws what happens now: figures, plots, tables, the map, and how old all of it is.
(function () {
  "use strict";

  const MOST_POINTS = 400;
  const MOST_BANKS = 50;
  const STALE_MS = 5000;
  const DRAW_MS = 500;
  const RESTS = 2; // for each millisecond of drawing
  const LONGEST_REST_MS = 3000;

  const state = (window.cardwatchLive = window.cardwatchLive || {});
  const el = (id) => document.getElementById(id);
  const set = (id, props) => el(id) && window.dash_clientside.set_props(id, props);
  const plain = (text) =>
    text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  const miller = (latitude) =>
    (1.25 * Math.log(Math.tan(Math.PI / 4 + (0.4 * latitude * Math.PI) / 180)) * 180) / Math.PI;

  // Plotly knows no zones: it is given what the clock on the wall shows.
  function wall(ms) {
    return new Date(ms - new Date(ms).getTimezoneOffset() * 60000).toISOString().slice(0, -1);
  }

  // One draw at a time, and a rest after it that grows with what it took until it was painted: a
  // machine that is busy draws less often, and still takes all that comes.
  function soon() {
    state.undrawn = true;
    if (state.drawing) {
      return;
    }
    state.drawing = true;
    window.setTimeout(() => {
      const began = performance.now();
      state.undrawn = false;
      if (!document.hidden && el("live-page")) {
        draw();
      }
      painted(() => {
        const rest = Math.min(LONGEST_REST_MS, RESTS * (performance.now() - began));
        window.setTimeout(() => {
          state.drawing = false;
          if (state.undrawn) {
            soon();
          }
        }, rest);
      });
    }, DRAW_MS);
  }

  // Calls back after the next frame: at once when the page can be seen again, if it cannot now.
  function painted(then) {
    window.requestAnimationFrame(() => window.setTimeout(then, 0));
  }

  function draw() {
    if (!state.tick) {
      return;
    }
    drawFigures();
    drawPlots();
    drawTables();
    const view = state.control.view;
    if (view === "map") {
      drawMap();
    } else if (view === "stream") {
      set("live-grid", { rowData: state.rows.filter(wanted).reverse() });
    } else {
      set("live-groups", { rowData: (state.groups[view] || []).filter(wanted) });
    }
    const dropped = state.dropped ? `, ${state.dropped} more were let go` : "";
    text("live-waiting", state.paused ? `${state.waiting.length} wait${dropped}` : "");
    offerBanks();
  }

  // Only when there is another: it would close the list under who is choosing.
  function offerBanks() {
    for (const row of state.rows) {
      state.known.add(row.bank_id);
    }
    const list = el("live-banks");
    const names = [...state.known].sort().slice(0, MOST_BANKS);
    if (list && list.dataset.known !== names.join()) {
      list.dataset.known = names.join();
      set("live-banks", { data: names });
    }
  }

  function wanted(row) {
    const control = state.control;
    const has = (list, value) => !list || !list.length || list.includes(value);
    if (!has(control.banks, row.bank_id) || (!control.trials && row.mode === "shadow")) {
      return false;
    }
    const detectors = control.detectors || [];
    if (detectors.length && !row.detectors.some((each) => detectors.includes(each))) {
      return false;
    }
    const text = (control.text || "").trim().toLowerCase();
    return !text || JSON.stringify(Object.values(row)).toLowerCase().includes(text);
  }

  function text(id, words) {
    const element = el(id);
    if (element && element.textContent !== words) {
      element.textContent = words;
    }
  }

  function ordered() {
    return [...state.seconds.values()].sort((one, other) => one[0] - other[0]);
  }

  function drawFigures() {
    const seconds = ordered().filter((each) => each[0] < state.tick.at / 1000 - 1);
    const last = seconds.slice(-10);
    const mean = (index) => {
      const known = last.map((each) => each[index]).filter((each) => each !== null);
      return known.length ? known.reduce((sum, each) => sum + each, 0) / known.length : null;
    };
    const newest = (index) => {
      const known = last.filter((each) => each[index] !== null);
      return known.length ? known[known.length - 1][index] : null;
    };
    const number = (value, digits, unit) =>
      value === null
        ? "–"
        : value.toLocaleString(undefined, { maximumFractionDigits: digits }) + (unit || "");
    text("live-tps", number(mean(1), 1));
    text("live-aps", number(mean(2), 2));
    text("live-p50", number(newest(4), 0, " ms"));
    text("live-p99", number(newest(5), 0, " ms"));
    text("live-waits", number(newest(6), 0));
    text("live-left-out", number((state.tick.totals || {}).left_out || 0, 0));
  }

  function graph(id) {
    const found = document.querySelector(`#${id} .js-plotly-plot`);
    // Until its figure is there, a plot is an empty one.
    return window.Plotly && found && found.data && found.data.length ? found : null;
  }

  // Their points are seconds: once in each is enough.
  function drawPlots() {
    const seconds = ordered().filter((each) => each[0] < state.tick.at / 1000 - 1);
    const now = String(Math.floor(state.tick.at / 1000));
    const x = seconds.map((each) => wall(each[0] * 1000));
    const y = (index) => seconds.map((each) => each[index]);
    const show = (id, columns) => {
      const plot = graph(id);
      if (plot && plot.dataset.drawn !== now) {
        plot.dataset.drawn = now;
        const all = columns.map((_, index) => index);
        window.Plotly.restyle(plot, { x: columns.map(() => x), y: columns.map(y) }, all);
      }
    };
    show("live-rates", [1, 2]);
    show("live-latency", [4, 5]);
    show("live-lag", [6]);
  }

  function drawMap() {
    const plot = graph("live-map");
    if (!plot) {
      return;
    }
    const shown = state.rows.filter(wanted).slice(-MOST_POINTS);
    const arcs = { x: [], y: [] };
    for (const [, arc] of state.arcs) {
      bow(arc, arcs);
    }
    window.Plotly.restyle(
      plot,
      {
        x: [state.places.map((each) => each[1][0]), arcs.x, shown.map((row) => row.longitude)],
        y: [
          state.places.map((each) => miller(each[1][1])),
          arcs.y,
          shown.map((row) => miller(row.latitude)),
        ],
        text: [
          state.places.map(() => "a transaction"),
          [],
          shown.map(
            (row) => `${plain(row.amount)}, ${plain(row.city)}<br>${plain(row.detectors.join(", "))}`,
          ),
        ],
      },
      [2, 3, 4],
    );
  }

  function bow([fromX, fromLatitude, toX, toLatitude], into) {
    const fromY = miller(fromLatitude);
    const toY = miller(toLatitude);
    const height = Math.hypot(toX - fromX, toY - fromY) / 5;
    for (let step = 0; step <= 16; step += 1) {
      const share = step / 16;
      into.x.push(fromX + (toX - fromX) * share);
      into.y.push(fromY + (toY - fromY) * share + height * 4 * share * (1 - share));
    }
    into.x.push(null);
    into.y.push(null);
  }

  function drawTables() {
    const configs = state.configs.map((config) => [
      config.withdrawn ? `${config.name} (withdrawn)` : config.name,
      String(config.generation),
      `${config.acknowledged} of ${config.subtasks}${config.in_force_at ? ", in force" : ""}`,
    ]);
    drawTable("live-configs", configs, ["built-in thresholds alone", "", ""]);
    const banks = state.banks.map((bank) => [bank.name, bank.per_s.toLocaleString()]);
    drawTable("live-by-bank", banks, ["no window of ten seconds yet", ""]);
  }

  // `made` makes what stands in a cell of what a line says of it.
  function drawTable(id, lines, none, made = (words) => words) {
    const body = el(id);
    const written = JSON.stringify(lines);
    if (!body || body.dataset.shown === written) {
      return;
    }
    body.dataset.shown = written;
    body.replaceChildren(
      ...(lines.length ? lines : [none]).map((cells) => {
        const line = document.createElement("tr");
        line.append(
          ...cells.map((words) => {
            const cell = document.createElement("td");
            cell.append(...[made(words)].flat());
            return cell;
          }),
        );
        return line;
      }),
    );
  }

  function lookAfter() {
    const ageMs = state.heardAt ? state.ageThen + performance.now() - state.heardAt : Infinity;
    const isStale = ageMs > STALE_MS;
    const age = Number.isFinite(ageMs) ? `${Math.round(ageMs / 1000)} s old` : "none yet";
    const badge = el("live-badge");
    const how = !state.connected ? "off" : isStale ? "stale" : "on";
    if (badge) {
      badge.dataset.how = how;
      text("live-badge", { off: "no connection", stale: `stale: ${age}`, on: "live" }[how]);
    }
    const troubles = [];
    if (how === "off") {
      troubles.push(`This page is not connected; its figures are ${age}.`);
    } else if (isStale) {
      troubles.push(`Nothing new has come: the figures are ${age}.`);
    }
    if (state.why) {
      troubles.push(`${state.why}.`);
    }
    for (const source of (state.tick && state.tick.sources) || []) {
      if (!source.ok) {
        const since = Math.max(0, Math.round((state.tick.at - source.since) / 1000));
        troubles.push(`${source.name} ${source.why} (for ${since} s).`);
      }
    }
    const box = el("live-trouble");
    if (box) {
      text("live-trouble", troubles.join(" "));
      box.hidden = !troubles.length;
    }
  }

  Object.assign(state, { soon, draw, drawTable, graph, text });
  window.setInterval(() => state.rows && lookAfter(), 1000);
})();
