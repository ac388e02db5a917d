/* SPDX-License-Identifier: Apache-2.0 */
/* A plugin that is never loaded: through its entry all that plugins and host show each other can be reached. */
#include <viaduct/layer.h>

extern const via_plugin via_plugin_v1;
__attribute__((visibility("default"))) const via_plugin via_plugin_v1 = {.size = sizeof(via_plugin)};

/* The records that only pointers lead to. */
__attribute__((visibility("default"))) void via_plugin_sees(const via_host_api *, const via_open *, const via_layer *);
void via_plugin_sees(const via_host_api *api, const via_open *open, const via_layer *layer)
{
    (void)api, (void)open, (void)layer;
}
