/** Who says when others are to be let in, and does it. */
export interface Pace {
  due(): boolean;
  pause(): Promise<void>;
}

/** Comparisons between two looks at the clock. */
const stride = 4096;

/** Sorts numbers, stable, in slices that let others in. @returns the sorted numbers; the input is used up */
export async function pacedSort(
  numbers: Int32Array,
  compare: (a: number, b: number) => number,
  pace: Pace,
): Promise<Int32Array> {
  const count = numbers.length;
  let from = numbers;
  let to: Int32Array = new Int32Array(count);
  const runLength = 16;
  let steps = 0;
  for (let start = 0; start < count; start += runLength) {
    insertionSort(from, start, Math.min(start + runLength, count), compare);
    steps += 4 * runLength;
    if (steps >= stride) {
      steps = 0;
      if (pace.due()) await pace.pause();
    }
  }
  for (let width = runLength; width < count; width *= 2) {
    for (let start = 0; start < count; start += 2 * width) {
      const middle = Math.min(start + width, count);
      const end = Math.min(start + 2 * width, count);
      let left = start;
      let right = middle;
      for (let at = start; at < end; at++) {
        const takeLeft = left < middle && (right >= end || compare(from[left]!, from[right]!) <= 0);
        to[at] = takeLeft ? from[left++]! : from[right++]!;
        if (++steps >= stride) {
          steps = 0;
          if (pace.due()) await pace.pause();
        }
      }
    }
    [from, to] = [to, from];
  }
  return from;
}

function insertionSort(
  numbers: Int32Array,
  start: number,
  end: number,
  compare: (a: number, b: number) => number,
): void {
  for (let i = start + 1; i < end; i++) {
    const number = numbers[i]!;
    let at = i;
    while (at > start && compare(numbers[at - 1]!, number) > 0) {
      numbers[at] = numbers[at - 1]!;
      at--;
    }
    numbers[at] = number;
  }
}
