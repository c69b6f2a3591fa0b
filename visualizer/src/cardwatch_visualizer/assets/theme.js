// Light and dark: of the page, of tables and of plots.
(function () {
  "use strict";

  function recolour(look) {
    for (const plot of document.querySelectorAll(".js-plotly-plot")) {
      const shown = plot.layout && plot.layout.font && plot.layout.font.color;
      if (!window.Plotly || !plot.data || !plot.data.length || shown === look.text) {
        continue;
      }
      const layout = { "font.color": look.text, "hoverlabel.bgcolor": look.paper };
      for (const axis of ["xaxis", "yaxis", "yaxis2"]) {
        if (plot.layout[axis]) {
          for (const line of ["gridcolor", "linecolor", "zerolinecolor"]) {
            layout[`${axis}.${line}`] = look.faint;
          }
        }
      }
      window.Plotly.relayout(plot, layout);
      plot.data.forEach((trace, index) => {
        const styles = {};
        for (const [path, name] of Object.entries((trace.meta && trace.meta.colours) || {})) {
          styles[path] = look[name];
        }
        if (Object.keys(styles).length) {
          window.Plotly.restyle(plot, styles, [index]);
        }
      });
    }
  }

  function looks() {
    const found = document.getElementById("looks");
    return found ? JSON.parse(found.dataset.looks) : {};
  }

  function applyTheme(theme) {
    document.documentElement.dataset.theme = theme;
    document.body.dataset.agThemeMode = theme;
    const look = looks()[theme];
    if (look) {
      recolour(look);
    }
  }

  const none = () => window.dash_clientside.no_update;
  const dash = (window.dash_clientside = window.dash_clientside || {});
  dash.cardwatch = Object.assign(dash.cardwatch || {}, {
    chooseTheme: (isDark, before) => {
      const theme = isDark ? "dark" : "light";
      return theme === before ? none() : theme;
    },
    applyTheme: (_, stored) => {
      const prefers = window.matchMedia("(prefers-color-scheme: dark)").matches;
      const theme = stored || (prefers ? "dark" : "light");
      if (!stored) {
        window.dash_clientside.set_props("theme", { data: theme });
      }
      applyTheme(theme);
      return [theme, theme === "dark"];
    },
  });

  // A page that is opened brings plots of its own, on a busy machine long after itself.
  window.cardwatchTheme = () => applyTheme(document.documentElement.dataset.theme || "light");
  window.setInterval(() => {
    const look = looks()[document.documentElement.dataset.theme];
    if (look) {
      recolour(look);
    }
  }, 500);
})();
