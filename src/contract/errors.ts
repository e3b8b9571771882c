/**
 * Every failure a caller can meet, by its code. The code is public API: adding one is a minor change, renaming one is breaking.
 *
 * `status` is the HTTP status the edge answers with; `message` is the sentence used when the thrower gives none, and it says what to do next.
 * The SDK of the vendor reads `message` and the status; people and programs read `code`.
 */
export const errors = {
  'request.invalid': { status: 400, message: 'The request is malformed; see details for the place.' },
  'request.too_large': { status: 413, message: 'The request body is larger than this route accepts.' },
  'request.unsupported_media_type': { status: 415, message: 'Send the body as application/json or as a form.' },
  'request.headers_too_large': { status: 431, message: 'The headers of the request are too large.' },
  'request.timeout': { status: 408, message: 'The request did not arrive in time; send it again.' },
  'route.method_not_allowed': {
    status: 405,
    message: 'This address exists, but not with this method; the allow header names those it has.',
  },
  'route.not_found': { status: 404, message: 'There is no such address; see /api/v1/docs for the list.' },
  'auth.required': { status: 401, message: 'Log in first: send a bearer token in the Authorization header.' },
  'auth.invalid_token': { status: 401, message: 'This token is not valid any more; log in again.' },
  'auth.invalid_credentials': { status: 401, message: 'The e-mail address or the password is wrong.' },
  'auth.api_key_not_found': { status: 404, message: 'There is no such API key, or it is not yours.' },
  'access.forbidden': {
    status: 403,
    message: 'Your role does not allow this; ask an owner of the project or organization.',
  },
  'setup.already_done': { status: 409, message: 'This server already has an owner; log in instead.' },
  'setup.invalid_link': {
    status: 403,
    message: 'The set-up link is wrong or was used; restart the server for a new one.',
  },
  'invitation.not_needed': {
    status: 409,
    message: 'They have a password already, or are a bot; a link is only for people who were added and have none.',
  },
  'invitation.invalid_link': {
    status: 403,
    message: 'The invitation link is wrong, was used, or is older than seven days; ask for a new one.',
  },
  'rate.limited': { status: 429, message: 'Too many attempts; wait a minute and try again.' },
  'server.internal': { status: 500, message: 'Something failed on our side; the log has more under this request id.' },
  'server.not_ready': {
    status: 503,
    message: 'The server is not ready: its database does not answer, or is not set up yet.',
  },
  'server.stopping': { status: 503, message: 'The server is stopping; try again in a moment.' },

  'user.not_found': { status: 404, message: 'There is no such user.' },
  'org.not_found': { status: 404, message: 'There is no such organization, or you are not in it.' },
  'org.not_empty': { status: 409, message: 'The organization has projects; delete them or move them elsewhere first.' },
  'org.first_stays': { status: 409, message: 'The first organization of a server stays: its owners run the server.' },
  'org.creator_stays': { status: 409, message: 'The creator of an organization cannot be removed or lowered.' },
  'member.not_found': { status: 404, message: 'There is no such member here.' },
  // 403, not 413 or 429: those the SDK repeats by itself, and no repetition helps here.
  'quota.exceeded': {
    status: 403,
    message: 'The organization’s quota of data points does not suffice; see details for how many are needed and free.',
  },
  'project.not_found': { status: 404, message: 'There is no such project, or you are not in it.' },
  'project.invalid': {
    status: 400,
    message: 'Failed to create project: the name is taken or has characters that are not allowed.',
  },
  'project.not_empty': { status: 409, message: 'A dataset was made in the project meanwhile; try again.' },
  'project.last_owner': {
    status: 409,
    message: 'A project keeps at least one owner; make somebody else an owner first.',
  },
  'project.has_drivers': {
    status: 409,
    message:
      'The project has storage drivers, which use credentials of its organization; delete them before moving it.',
  },
  'bot.not_found': { status: 404, message: 'There is no such bot in this project.' },
  'setting.not_found': { status: 404, message: 'There is no such setting, or you are not in its scope.' },
  'setting.invalid': { status: 400, message: 'Invalid input specified; see details for the place.' },
  'setting.too_many': { status: 400, message: 'This scope has as many settings as it may have; delete some first.' },
  // 424, not 501: the SDK repeats every 501 five times.
  'mail.not_set_up': { status: 424, message: 'This server sends no mail; tell the people another way.' },
  'integration.not_found': { status: 404, message: 'There is no such integration, or you may not use it.' },
  'integration.invalid': {
    status: 400,
    message: 'The credentials of this integration are incomplete; see details for the fields.',
  },
  'integration.in_use': {
    status: 400,
    message: 'Storage drivers still use this integration; delete or move them first.',
  },
  'integration.confirm_required': {
    status: 400,
    message: 'Deleting an integration must be confirmed: send confirm=true.',
  },
  'integration.not_supported': {
    status: 400,
    message: 'This kind of integration is kept, but this version of the server cannot use it yet.',
  },
  'integration.not_trusted': {
    status: 400,
    message: 'The other account does not trust this integration yet; storage drivers can be made once it does.',
  },
  'integration.trust_too_open': {
    status: 400,
    message: 'The other account’s role opens without the external id of this integration; mend its trust policy first.',
  },
  'integration.limit_reached': {
    status: 400,
    message: 'The organization has as many integrations of this kind as it may have.',
  },
  'integration.unreadable': {
    status: 409,
    message:
      'This server’s master key does not open these credentials; enter them again, or restore the key and restart.',
  },
  // 424, not 501: the SDK repeats every 501 five times.
  'compute.not_set_up': {
    status: 424,
    message:
      'This server runs no services, so there is no compute to give credentials to. They are kept, and storage drivers can use them.',
  },
  'driver.not_found': { status: 404, message: 'There is no such storage driver, or you are not in its project.' },
  'driver.ambiguous': { status: 400, message: 'More than one storage driver has this name; use the id.' },
  'driver.invalid': { status: 400, message: 'The storage driver is described wrongly; see details for the fields.' },
  'driver.in_use': { status: 400, message: 'Datasets still use this storage driver; delete them first.' },
  'driver.changed': { status: 409, message: 'Somebody else changed this storage driver meanwhile; look at it again.' },
  'driver.read_only': {
    status: 409,
    message: 'The storage driver is read-only: nothing is written to its storage or removed from it.',
  },
  'driver.check_failed': {
    status: 400,
    message: 'The storage refused a right that the driver needs; see details for each probe.',
  },
  'driver.not_supported': {
    status: 400,
    message: 'This kind of storage driver is kept, but this version of the server cannot reach its storage yet.',
  },
  'dataset.not_found': { status: 404, message: 'There is no such dataset, or you are not in its project.' },
  'dataset.name_taken': { status: 400, message: 'Dataset with the same name already exists in this project.' },
  'dataset.not_external': {
    status: 400,
    message: 'This dataset is on the platform’s own storage: there is nothing to sync.',
  },
  'dataset.not_syncable': {
    status: 400,
    message: 'Cloned and merged datasets cannot be synced; sync the master dataset.',
  },
  'dataset.readonly': { status: 409, message: 'This dataset is read-only.' },
  'dataset.locked': {
    status: 423,
    message: 'This dataset is locked while an export reads it; try again later, or unlock it.',
  },
  // The vendor's suite compares this text.
  'dataset.awaits_deletion': {
    status: 409,
    message:
      'This dataset is deleted already and will be gone later; restore it, or send force=true to have it gone at once.',
  },
  'dataset.not_deleted': {
    status: 400,
    message: 'This dataset does not await its deletion; there is nothing to restore.',
  },
  'dataset.system_stays': {
    status: 409,
    message: 'The platform keeps files of the project in this dataset; it cannot be deleted at a later time.',
  },
  'dataset.not_locked': { status: 400, message: 'dataset is not locked' },
  'collection.not_found': { status: 404, message: 'There is no collection of this name in the dataset.' },
  'collection.name_taken': { status: 400, message: 'A collection of this name already exists in the dataset.' },
  'collection.too_many': { status: 400, message: 'The dataset already has the maximum number of collections (10).' },
  'clone.no_target': { status: 400, message: 'Give a name for the new dataset, or the id of one that is there.' },
  'clone.other_storage': {
    status: 400,
    message:
      'Items are cloned and merged within one storage only: from the platform’s own storage to itself, or from external storage to a dataset of the same storage driver.',
  },
  'clone.bound_target': {
    status: 409,
    message:
      'The target mirrors its external storage: its paths are those of the files there, and a clone cannot have another one. Clone to a new dataset instead.',
  },
  'clone.exists': {
    status: 409,
    message: 'The target dataset already has a clone of this item; send allowMany to have another one.',
  },
  'merge.other_recipes': {
    status: 400,
    message: 'Datasets with different recipes cannot be merged; switch them to one recipe first.',
  },
  'schema.too_many_paths': { status: 400, message: 'At most 1,000 paths can be kept out of searches.' },
  'dataset.already_syncing': { status: 423, message: 'The dataset cannot be synced as it is already being synced.' },
  'dataset.disconnected': {
    status: 409,
    message: 'The storage of this dataset is disconnected; connect a storage driver again.',
  },
  'patterns.invalid': {
    status: 400,
    message: 'A pattern of files to take or to keep out is wrong; see details for the place.',
  },
  'sync.driver_changed': {
    status: 409,
    message: 'The storage driver was changed while the sync ran; start the sync again.',
  },
  'sync.parked': {
    status: 409,
    message: 'The sync waits for approval: look at what it found, then approve exactly that, or sync again.',
  },
  'sync.not_found': { status: 404, message: 'There is no such sync of this dataset.' },
  'sync.not_parked': { status: 409, message: 'This sync does not wait for approval.' },
  'sync.not_paused': { status: 409, message: 'Only a paused sync, or one that waits for new credentials, can go on.' },
  'sync.set_changed': {
    status: 409,
    message: 'What would be marked is not what was approved; look at it again, then approve that.',
  },
  'sync.not_a_plan': { status: 400, message: 'Only a finished plan (dryRun) of the same dataset can be applied.' },
  'item.not_found': { status: 404, message: 'There is no such item, or you are not in its project.' },
  'item.missing_in_storage': { status: 404, message: 'The file is no longer in the storage; its metadata is kept.' },
  'item.range_not_satisfiable': { status: 416, message: 'The file ends before the bytes that were asked for.' },
  'item.unaddressable': {
    status: 409,
    message:
      'The key of this file has a “.” or “..” part, so no address can be made for it safely. Rename it in the bucket.',
  },
  'annotation.not_found': { status: 404, message: 'There is no such annotation, or you are not in its project.' },
  'annotation.invalid': { status: 400, message: 'An annotation is described wrongly; see details for the place.' },
  'item.path_invalid': {
    status: 400,
    message:
      'This cannot be the path of an item: it is empty, too long, ends in a slash or has characters that no key can have.',
  },
  'item.reserved_path': {
    status: 400,
    message: 'This folder is the platform’s own; choose another path.',
  },
  'item.excluded_path': {
    status: 400,
    message: 'The dataset’s patterns keep a file of this path out; change the patterns or choose another path.',
  },
  'item.exists': { status: 409, message: 'There is an item with this path already.' },
  'item.bound_to_storage': {
    status: 409,
    message:
      'This item is a file of external storage: its path is the file’s key, so it cannot be moved or renamed here. Clone the dataset to arrange it anew.',
  },
  'item.root_stays': { status: 400, message: 'The root folder of a dataset cannot be changed or deleted.' },
  'item.link_broken': { status: 404, message: 'What this link leads to is not there, or you may not read it.' },
  'recipe.not_found': { status: 404, message: 'There is no such recipe, or you are not in its projects.' },
  'recipe.in_use': {
    status: 400,
    message: 'Datasets have this recipe; switch them to another one first, or delete it with force.',
  },
  'ontology.not_found': { status: 404, message: 'There is no such ontology, or you are not in its projects.' },
  'ontology.invalid': { status: 400, message: 'The ontology is described wrongly; see details for the place.' },
  'ontology.label_not_found': {
    status: 404,
    message: 'The ontology has no such label; add it first, or update with upsert.',
  },
  'export.not_found': {
    status: 404,
    message: 'There is no such export, it has not ended, or its files are not kept any more.',
  },
  'export.version_unknown': {
    status: 400,
    message: 'No export of the dataset has this version yet; `fromVersion` is a `toVersion` of an earlier one.',
  },
  'feature_set.not_found': { status: 404, message: 'There is no such feature set, or you are not in its project.' },
  'feature_set.name_taken': { status: 400, message: 'The project has a feature set of this name already.' },
  'feature.not_found': { status: 404, message: 'There is no such feature vector, or you are not in its project.' },
  'feature.wrong_size': { status: 400, message: 'A vector has as many numbers as its feature set says.' },
  'feature.exists': {
    status: 400,
    message: 'The entity has another vector in this feature set already; delete that first, or give a version.',
  },
  'thumbnail.not_available': {
    status: 404,
    message: 'This file has no thumbnail: it is no picture, is damaged, or is too large.',
  },
  'thumbnail.busy': { status: 429, message: 'Too many thumbnails are being made; ask again in a moment.' },
  'command.not_found': { status: 404, message: 'There is no such command, or you may not see it.' },
  'notification.category_locked': {
    status: 400,
    message: 'Notifications of this category cannot be switched off: they tell of what stops everybody’s work.',
  },
  'notification.too_many_streams': {
    status: 429,
    message: 'Too many streams of notifications are open for this user; close one first.',
  },
  'query.too_slow': {
    status: 422,
    message: 'The query takes too long; narrow it to a folder, or page by id instead of by number.',
  },
  'query.invalid': { status: 400, message: 'The query is malformed; see details for the place.' },

  // 424, not 502: the SDK repeats every 502 five times and then shows its own text instead of ours, even for a wrong endpoint.
  'storage.unreachable': {
    status: 424,
    message: 'The storage host cannot be reached; check the endpoint’s name and port, and the network.',
  },
  'storage.address_denied': {
    status: 424,
    message:
      'This server does not connect to the storage’s address, because it is not a public one; the operator can allow it (SLUICE_EGRESS_ALLOW).',
  },
  'storage.tls_failed': {
    status: 424,
    message: 'The storage host’s certificate was not accepted; check https and the host name.',
  },
  'storage.not_a_storage': {
    status: 424,
    message: 'The address answered, but not as a storage service does; check the endpoint and port.',
  },
  'storage.invalid_answer': {
    status: 424,
    message: 'The storage gave an incomplete or contradictory answer; nothing was changed. Try again.',
  },
  'storage.unknown_bucket': { status: 400, message: 'There is no such bucket; check its name, region and endpoint.' },
  'storage.wrong_region': { status: 400, message: 'The bucket is in another region; set the region named in details.' },
  'storage.bad_credentials': {
    status: 400,
    message: 'The storage does not accept these credentials; check key and secret.',
  },
  'storage.expired_credentials': {
    status: 400,
    message: 'The credentials have expired; put fresh ones into the integration.',
  },
  'storage.role_denied': {
    status: 400,
    message:
      'The role could not be assumed: its ARN is wrong, or its trust policy does not let in who asks, with the external id where there is one.',
  },
  'storage.clock_skew': {
    status: 424,
    message: 'The clocks of this server and the storage differ too much; set this server’s clock.',
  },
  'storage.denied': { status: 400, message: 'The credentials lack a right that is needed; see details for which.' },
  'storage.kms_denied': { status: 400, message: 'The credentials lack rights on the bucket’s encryption key.' },
  'storage.folder_is_file': { status: 400, message: 'The folder is a single file; give the folder that holds it.' },
  'storage.throttled': { status: 503, message: 'The storage asks us to slow down; the work goes on by itself.' },
  'storage.unavailable': { status: 503, message: 'The storage is not available at the moment; try again later.' },
  'storage.not_found': { status: 404, message: 'The file is not in the storage.' },
  'storage.conflict': { status: 409, message: 'The file changed in the storage meanwhile.' },
  'storage.unsupported': { status: 409, message: 'This storage cannot do that.' },
  'storage.root_not_allowed': {
    status: 400,
    message: 'This folder is not among those the operator opened; add it to SLUICE_LOCAL_ROOTS and restart.',
  },
} as const satisfies Record<string, { status: number; message: string }>

/** The code of a failure, for example `dataset.not_found`. */
export type ErrorCode = keyof typeof errors
