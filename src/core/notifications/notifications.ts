/** What people are told of their data: stored once a notification, read by owners and engineers of its project. The public file of this folder. */
export { type FeedNews, followNotifications } from './feed.ts'
export {
  getSettings,
  listInboxMessages,
  listNotifications,
  markNotifications,
  updateSettings,
} from './inbox.ts'
export { type Notice, notify } from './notify.ts'
export { sweepNotifications } from './sweep.ts'
