/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The settings of a serial line: termios(3).
 *
 * Owns: which options of the manifest become which bits. Knows nothing of channels.
 */
#ifndef VIADUCT_SERIAL_LINE_H
#define VIADUCT_SERIAL_LINE_H

#include <viaduct/plugin.h>

/*
 * Makes a plain line of the terminal, as baud=, parity=, stop= and flow= say. VIA_OK; VIA_EINVAL: no terminal, or a speed
 * that it has not; VIA_EIO.
 */
via_status serial_line_set_up(const via_host_api *host, const via_open *open, int descriptor, via_error *error);

#endif
