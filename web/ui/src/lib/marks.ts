// Silhouettes of the four modes, nose to the right (heading 90°), centred.

import type { Mode } from './api/types';

export const silhouettes: Record<Mode, string> = {
  road: 'M-6.5,-4H1.8L6.8,0L1.8,4H-6.5Z',
  rail: 'M-9,-2.9H-3.6V2.9H-9ZM-2.4,-2.9H4.2Q9,-2.4 9,0Q9,2.4 4.2,2.9H-2.4Z',
  sea: 'M-7.6,-3.5H1.2Q5.4,-2.8 8.4,0Q5.4,2.8 1.2,3.5H-7.6L-5.9,0Z',
  air: 'M8.6,0L7.2,-1.15L2.6,-1.3L-1.6,-7.4H-3.6L-1.8,-1.3L-5.4,-1.05L-7.1,-3.3H-8.4L-7.5,0L-8.4,3.3H-7.1L-5.4,1.05L-1.8,1.3L-3.6,7.4H-1.6L2.6,1.3L7.2,1.15Z',
};
