/** What people are told of their data: stored once a notification, read by owners and engineers of its project. The public file of this folder. */
export { type Notice, notify } from './notify.ts'
