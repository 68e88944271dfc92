/** `curl` and `wget`: everything but their progress displays. */
import { createPicker } from './filter.ts';

const progress =
  /^\s*%\s+Total\s+%\s+Received|^\s*Dload\s+Upload|^\s*\d{1,3}\s+[\d.]+[kKMGT]?\s+\d{1,3}\s+[\d.]+|^\s*[\d,.]+[KMG]?(?:\s\.{1,10}){1,5}|^\s*\S+\s+\d{1,3}%\[|^[#=\s]+[\d.]+%\s*$|^\s*\d+K[ .,]+\d+%|^\s*-=#|^[#=O\s-]*$|\d{1,3}%\s*\[[=+> ]*\]/;

export const httpTransfer = createPicker((text) => !progress.test(text));
