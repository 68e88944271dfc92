/** How often a run that failed may be tried again. */
export const retriesMax = 10;
