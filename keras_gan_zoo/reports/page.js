for (const frames of document.querySelectorAll(".frames")) {
  const pictures = frames.querySelectorAll("img");
  const slider = frames.querySelector("input");
  const show = () => {
    pictures.forEach((picture, number) => { picture.hidden = number !== Number(slider.value); });
    frames.querySelector("output").textContent = pictures[slider.value].alt;
  };
  if (slider) {
    slider.addEventListener("input", show);
    show(); // the browser may have kept another position
  }
}
