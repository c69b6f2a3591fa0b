// What is chosen on a page stands in its address, so that every view has a link.
(function () {
  "use strict";

  // A time that pages themselves put there; some look like card numbers, as `addresses.py` says.
  const OURS = { until: /^[0-9]{1,14}$/ };

  function fit(name, text) {
    return OURS[name] && OURS[name].test(text) ? text : window.cardwatchForAddress(text);
  }

  // Values by their names, texts or lists of them, as what follows a path; without card numbers.
  // Empty ones and usual ones are left out.
  window.cardwatchQuery = (values, usual = {}) => {
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(values)) {
      const text = String((Array.isArray(value) ? value.join(",") : value) || "");
      if (text && text !== usual[name]) {
        query.set(name, fit(name, text));
      }
    }
    const text = query.toString();
    return text && `?${text}`;
  };

  window.cardwatchAddress = (values, usual) => {
    const address = window.location.pathname + window.cardwatchQuery(values, usual);
    window.history.replaceState(null, "", address);
  };
})();
