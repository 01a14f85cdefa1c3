import { LabError } from '../../base/errors.js';

/** A step during which the connection was lost: it may have been carried out or not. */
export class ConnectionLostError extends LabError {}
