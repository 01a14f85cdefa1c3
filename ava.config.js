// Tests are compiled with the sources (tsc) and run from dist.
export default {
  files: ['dist/test/**/*.test.js'],
  timeout: '120s',
  concurrency: 2,
  environmentVariables: { NO_COLOR: '1' },
  // A worker thread that ends with an open packet socket takes the process down inside koffi.
  workerThreads: false,
};
