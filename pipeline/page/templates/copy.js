"use strict";
(function () {
  const button = document.getElementById("copy");
  const text = document.getElementById("methods-text");
  function select() {
    const range = document.createRange();
    range.selectNodeContents(text);
    const selection = window.getSelection();
    selection.removeAllRanges();
    selection.addRange(range);
  }
  function said(word) {
    button.textContent = word;
    setTimeout(function () { button.textContent = "Copy"; }, 2000);
  }
  function byHand() {  // where the browser keeps the clipboard from files
    select();
    said(document.execCommand("copy") ? "Copied" : "Selected: press Ctrl+C");
  }
  button.addEventListener("click", function () {
    const plain = text.innerText.replace(/\u00a0/g, " ").trim();
    if (navigator.clipboard) {
      navigator.clipboard.writeText(plain).then(function () { said("Copied"); }, byHand);
    } else {
      byHand();
    }
  });
  button.hidden = false;
})();
