// What people type goes into addresses, and from there into histories and the logs of proxies:
// without card numbers (ISO/IEC 7812-1, annex B: Luhn's formula).
(function () {
  "use strict";

  const RUN = /\d(?:[ \t.\-+_]{0,3}\d){12,}/g;
  const SHORTEST = 13;
  const LONGEST = 19;

  function passesLuhn(digits) {
    let total = 0;
    for (let place = 0; place < digits.length; place += 1) {
      const digit = Number(digits[digits.length - 1 - place]);
      const doubled = 2 * digit;
      total += place % 2 ? (doubled > 9 ? doubled - 9 : doubled) : digit;
    }
    return total % 10 === 0;
  }

  function hasOne(run) {
    const digits = run.replace(/\D/g, "");
    for (let length = SHORTEST; length <= Math.min(LONGEST, digits.length); length += 1) {
      for (let start = 0; start + length <= digits.length; start += 1) {
        if (passesLuhn(digits.slice(start, start + length))) {
          return true;
        }
      }
    }
    return false;
  }

  window.cardwatchForAddress = (text) =>
    String(text).replace(RUN, (run) => (hasOne(run) ? "[card number redacted]" : run));
})();
