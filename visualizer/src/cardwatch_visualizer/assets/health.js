// The page of health: the pipeline and its tables, drawn from what ticks have brought.
(function () {
  "use strict";

  const DRAW_MS = 500;
  const ASK_MS = 5000; // so often dead letters are asked for, at most
  const MOST_CHIPS = 32;
  const MOST_NAMED = 8;
  const STATES = { well: "well", warn: "look here", down: "down", unknown: "not known" };

  const state = (window.cardwatchLive = window.cardwatchLive || {});
  const el = (id) => document.getElementById(id);
  let askedAt = -ASK_MS;
  let asked = null;

  function count(value) {
    return value === null || value === undefined ? "–" : value.toLocaleString();
  }

  function lasted(seconds) {
    const units = [
      [172800, 86400, "days"],
      [7200, 3600, "h"],
      [120, 60, "min"],
    ];
    const found = units.find((each) => seconds >= each[0]);
    return found ? `${Math.round(seconds / found[1])} ${found[2]}` : `${Math.round(seconds)} s`;
  }

  function age(at) {
    return at ? `${lasted(Math.max(0, state.tick.at - at) / 1000)} ago` : "none";
  }

  function drawParts(parts) {
    for (const part of parts) {
      const box = el(`part-${part.name}`);
      if (box) {
        box.dataset.state = part.state;
        state.text(`state-${part.name}`, STATES[part.state] || part.state);
        state.text(`figure-${part.name}`, part.figure);
        state.text(`says-${part.name}`, part.says);
      }
    }
  }

  function drawSummary(troubles) {
    const box = el("health-summary");
    const written = JSON.stringify(troubles);
    if (!box || box.dataset.shown === written) {
      return;
    }
    box.dataset.shown = written;
    box.dataset.state = troubles.length ? "down" : "well";
    box.replaceChildren(
      ...(troubles.length ? troubles : ["All that is known of is well."]).map(line),
    );
  }

  function chip([words, isGood, title]) {
    const made = document.createElement("span");
    made.className = "cw-chip";
    made.dataset.state = isGood ? "well" : "warn";
    made.textContent = words;
    made.title = title;
    return made;
  }

  function acksOf(config) {
    const all = config.subtasks.map((each, index) => {
      const [generation, at, refused, model] = each;
      const isGood = generation === config.generation && !refused;
      const judges = generation === null ? "nothing yet" : `gen. ${generation}`;
      const by = model ? ` with ${model}` : "";
      const since = at ? `since ${new Date(at).toLocaleString()}` : "it has not spoken";
      return [`${index}: ${judges}${by}${refused ? ", refused" : ""}`, isGood, since];
    });
    const missing = all.filter((each) => !each[1]).length;
    if (all.length <= MOST_CHIPS) {
      return all.length ? all : "no subtask has spoken";
    }
    const late = all.filter((each) => !each[1]).slice(0, MOST_CHIPS);
    return [[`${all.length - missing} of ${all.length}`, !missing, "subtasks"], ...late];
  }

  // Why the models that a config asks for are refused, each reason once.
  function refusalsOf(config) {
    const found = new Map();
    config.subtasks.forEach(([generation, , refused], index) => {
      if (refused && generation === config.generation) {
        found.set(refused, [...(found.get(refused) || []), index]);
      }
    });
    return [...found].map(([why, by]) => {
      const named = by.slice(0, MOST_NAMED).join(", ") + (by.length > MOST_NAMED ? " …" : "");
      return `${by.length === 1 ? "Subtask" : "Subtasks"} ${named}: the models are refused: ${why}`;
    });
  }

  function line(words) {
    const made = document.createElement("div");
    made.textContent = words;
    return made;
  }

  function drawTables(health) {
    state.drawTable(
      "health-readers",
      health.readers.map((each) => [
        each.reader,
        each.topic,
        count(each.waiting),
        !each.waiting
          ? "nothing waits"
          : each.still_s >= 15
            ? `stands still for ${lasted(each.still_s)}`
            : "reads",
      ]),
      ["nobody has said how far they are", "", "", ""],
    );
    state.drawTable(
      "health-topics",
      health.topics.map((each) => [
        each.name,
        each.per_s === null ? "–" : each.per_s.toLocaleString(),
        count(each.kept),
        age(each.newest_at),
      ]),
      ["not known", "", "", ""],
    );
    state.drawTable(
      "health-acks",
      (state.acks || []).map((each) => [
        each.withdrawn ? `${each.name} (withdrawn)` : each.name,
        String(each.generation),
        [acksOf(each), refusalsOf(each)],
      ]),
      ["built-in thresholds alone", "", ""],
      (cell) => {
        if (!Array.isArray(cell)) {
          return cell;
        }
        const [acks, refusals] = cell;
        return [...(Array.isArray(acks) ? acks.map(chip) : [acks]), ...refusals.map(line)];
      },
    );
  }

  // More of them have come: the table is asked for anew, by who looks at it.
  function askForLetters(health) {
    const letters = health.topics.find((each) => each.name === "transactions-dlq");
    const newest = letters ? letters.newest_at : null;
    const now = performance.now();
    if (newest && newest !== asked && now - askedAt >= ASK_MS) {
      const isFirst = asked === null;
      asked = newest;
      askedAt = now;
      if (!isFirst) {
        window.dash_clientside.set_props("health-count", { data: newest });
      }
    }
  }

  function draw() {
    const page = el("health-page");
    if (!page || document.hidden || !state.health || !state.tick) {
      return;
    }
    page.classList.toggle("cw-old", !state.connected);
    drawParts(state.health.parts);
    drawSummary(state.health.troubles);
    drawTables(state.health);
    askForLetters(state.health);
  }

  function onKey(params) {
    if (params.event && params.event.key === "Enter" && params.data) {
      window.dash_clientside.set_props("health-letter", { data: params.data.id });
    }
  }

  window.dashAgGridFunctions = Object.assign(window.dashAgGridFunctions || {}, {
    cardwatchLetterKey: onKey,
  });
  const dash = (window.dash_clientside = window.dash_clientside || {});
  dash.cardwatch = Object.assign(dash.cardwatch || {}, {
    openLetter: (cell) => (cell && cell.rowId ? cell.rowId : window.dash_clientside.no_update),
  });
  window.setInterval(draw, DRAW_MS);
})();
