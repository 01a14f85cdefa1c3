// Tests are compiled with the sources (tsc) and run from dist.
const isLive = (file) => file.includes('/live/');

export default {
  files: ['dist/test/**/*.test.js'],
  // The long ones first: at the end nothing is left to do beside them.
  sortTestFiles: (a, b) => Number(isLive(b)) - Number(isLive(a)) || (a < b ? -1 : 1),
  // Ends what hangs; a machine with other work may take minutes for one test.
  timeout: '10m',
  // Live tests wait for others as often as they work.
  concurrency: 3,
  environmentVariables: { NO_COLOR: '1' },
  // A worker thread that ends with an open packet socket takes the process down inside koffi.
  workerThreads: false,
};
