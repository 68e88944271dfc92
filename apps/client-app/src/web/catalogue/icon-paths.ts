/** Line drawings on a 24 × 24 grid, by the names that operators use in manifests. Paths only, drawn with a round stroke. */
export const iconPaths = {
  activity: ['M2.5 12H7l3-7.5 4.5 15 3-7.5h4'],
  'alert-triangle': ['M12 4 2.8 19.5h18.4Z', 'M12 10v4.5', 'M12 17.2v.1'],
  box: ['M12 3 4 7.5v9l8 4.5 8-4.5v-9Z', 'M4 7.5l8 4.5 8-4.5', 'M12 12v9'],
  check: ['M5 12.5l4.5 4.5L19 7.5'],
  'chevron-down': ['M6 9.5l6 6 6-6'],
  clock: ['M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17Z', 'M12 7.5V12l3 2'],
  cpu: [
    'M7.5 6h9A1.5 1.5 0 0 1 18 7.5v9a1.5 1.5 0 0 1-1.5 1.5h-9A1.5 1.5 0 0 1 6 16.5v-9A1.5 1.5 0 0 1 7.5 6Z',
    'M10 10h4v4h-4Z',
    'M9.5 3v3M14.5 3v3M9.5 18v3M14.5 18v3M3 9.5h3M3 14.5h3M18 9.5h3M18 14.5h3',
  ],
  download: ['M12 4v11', 'M7.5 10.5 12 15l4.5-4.5', 'M4.5 19.5h15'],
  'file-text': ['M6.5 3.5h7l4.5 4.5v12.5h-11.5Z', 'M13.5 3.5V8H18', 'M9.5 12.5h5M9.5 16h5'],
  'hard-drive': ['M6.5 5h11l3.5 8v6H3v-6Z', 'M3 13h18', 'M7 16v.1M10.5 16v.1'],
  home: ['M4 11l8-7 8 7v9h-5.5v-6h-5v6H4Z'],
  monitor: [
    'M4.5 4.5h15A1.5 1.5 0 0 1 21 6v9a1.5 1.5 0 0 1-1.5 1.5h-15A1.5 1.5 0 0 1 3 15V6a1.5 1.5 0 0 1 1.5-1.5Z',
    'M12 16.5v4M8 20.5h8',
  ],
  network: ['M9.5 3.5h5v5h-5Z', 'M3 15.5h5v5H3Z', 'M16 15.5h5v5h-5Z', 'M12 8.5V12M5.5 15.5V12h13v3.5'],
  package: ['M12 3 4 7.5v9l8 4.5 8-4.5v-9Z', 'M4 7.5l8 4.5 8-4.5', 'M12 12v9', 'M8 5.2l8 4.5v3.8'],
  play: ['M8 5.5v13l10.5-6.5Z'],
  'refresh-cw': ['M20 12a8 8 0 0 1-14.3 4.9', 'M4 12a8 8 0 0 1 14.3-4.9', 'M18.5 3v4.2h-4.2', 'M5.5 21v-4.2h4.2'],
  shield: ['M12 3l7.5 2.8v5.7c0 4.5-3 7.8-7.5 9.5-4.5-1.7-7.5-5-7.5-9.5V5.8Z'],
  spinner: ['M12 4a8 8 0 1 0 8 8'],
  stop: ['M6 6h12v12H6Z'],
  trash: ['M4 6.5h16', 'M9 6.5v-3h6v3', 'M6 6.5l1 14h10l1-14', 'M10 10.5v6M14 10.5v6'],
  unplug: ['M5 5l14 14', 'M9.5 4v4M14.5 4v4', 'M7 8.5v3a5 5 0 0 0 8 4', 'M17 8.5v3', 'M9.5 8.5H17', 'M12 16.5v4'],
  wrench: [
    'M14.5 6.5a4.2 4.2 0 0 1 5-1.3l-2.7 2.7.3 2 2 .3 2.7-2.7a4.2 4.2 0 0 1-5.6 5.1l-7.4 7.4a1.9 1.9 0 0 1-2.7-2.7l7.4-7.4a4.2 4.2 0 0 1 1-3.4Z',
  ],
  x: ['M6 6l12 12M18 6 6 18'],
} as const satisfies Record<string, readonly string[]>;

export type IconName = keyof typeof iconPaths;
