// A walk around the block: where one is after so many seconds.

export const SPEED = 1.4; // m/s
const SIDE = 60; // m
const METRES_PER_DEGREE = 111_320;

// Where one has got to, in metres east and north of the start, and which way one looks.
export function walked(seconds) {
  const metres = seconds * SPEED;
  const side = Math.floor(metres / SIDE) % 4;
  const part = metres % SIDE;
  const [east, north] = [
    [0, part],
    [part, SIDE],
    [SIDE, SIDE - part],
    [SIDE - part, 0],
  ][side];
  return { east, north, heading: side * 90 };
}

// A place so many metres away.
export function moved({ lat, lng }, { east, north }) {
  const perDegree = METRES_PER_DEGREE * Math.cos((lat * Math.PI) / 180);
  return {
    lat: round(Math.max(-90, Math.min(90, lat + north / METRES_PER_DEGREE))),
    lng: round(around(lng + (perDegree > 1 ? east / perDegree : 0))),
  };
}

const round = (degrees) => Math.round(degrees * 1e6) / 1e6;

const around = (lng) => (lng > 180 ? lng - 360 : lng);
