/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the unit tests of the mqueue plugin share: a host that only fills errors, settings without a manifest, a private folder.
 */
#ifndef MQUEUE_UNIT_H
#define MQUEUE_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "place.h"

/* A queue's settings, with the defaults of the manifest. */
mqueue_settings unit_settings(uint32_t role);
/* A folder as XDG_RUNTIME_DIR; removed with all that is in it. cmocka's setup and teardown. */
int unit_folder_make(void **state);
int unit_folder_remove(void **state);
/* Files in the runtime folder's viaduct/. */
unsigned unit_files(void);

#endif
