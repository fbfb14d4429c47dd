/** The index of the first of `count` ascending numbers that is not below `wanted`; `count` if all are. */
export function lowerBound(numbers: Uint32Array, count: number, wanted: number): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (numbers[middle]! < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}
