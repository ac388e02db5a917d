/* SPDX-License-Identifier: Apache-2.0 */
/* The settings of a serial line; see line.h. Owns: the list of speeds that termios has names for. */
#include "line.h"

#include "kit/fail.h"
#include "kit/text.h"

#include <errno.h>
#include <string.h>
#include <termios.h>

static const struct {
    int64_t baud;
    speed_t code;
} speeds[] = {
    {1200, B1200},       {2400, B2400},       {4800, B4800},       {9600, B9600},       {19200, B19200},
    {38400, B38400},     {57600, B57600},     {115200, B115200},   {230400, B230400},   {460800, B460800},
    {500000, B500000},   {576000, B576000},   {921600, B921600},   {1000000, B1000000}, {1152000, B1152000},
    {1500000, B1500000}, {2000000, B2000000}, {3000000, B3000000}, {4000000, B4000000},
};

static bool find_speed(int64_t baud, speed_t *code)
{
    for (size_t i = 0; i < sizeof(speeds) / sizeof(speeds[0]); i++) {
        if (speeds[i].baud == baud) {
            *code = speeds[i].code;
            return true;
        }
    }
    return false;
}

static bool says(const via_open *open, const char *option, const char *word)
{
    return strcmp(via_option_find(open, option)->text, word) == 0;
}

/* Eight bits, no editing, no signals, no modem lines waited for; then what is asked for. */
static void describe(const via_open *open, struct termios *line)
{
    cfmakeraw(line);
    line->c_cflag |= CLOCAL | CREAD;
    line->c_cflag &= ~(tcflag_t)(CSTOPB | PARENB | PARODD | CRTSCTS);
    line->c_iflag &= ~(tcflag_t)(IXON | IXOFF);
    if (!says(open, "parity", "none"))
        line->c_cflag |= PARENB;
    if (says(open, "parity", "odd"))
        line->c_cflag |= PARODD;
    if (via_option_find(open, "stop")->number == 2)
        line->c_cflag |= CSTOPB;
    if (says(open, "flow", "rts-cts"))
        line->c_cflag |= CRTSCTS;
    line->c_cc[VMIN] = 1;
    line->c_cc[VTIME] = 0;
}

via_status serial_line_set_up(const via_host_api *host, const via_open *open, int descriptor, via_error *error)
{
    const int64_t baud = via_option_find(open, "baud")->number;
    struct termios line;
    speed_t code = B0;

    if (tcgetattr(descriptor, &line) != 0)
        return via_fail(host, error, VIA_EINVAL, errno, "name a serial line, such as /dev/ttyUSB0",
                        "it is no terminal, so it has no speed");
    if (!find_speed(baud, &code))
        return via_fail(host, error, VIA_EINVAL, 0, "9600, 115200 and 921600 are common",
                        "there is no speed of %lld baud", (long long)baud);
    describe(open, &line);
    if (cfsetispeed(&line, code) != 0 || cfsetospeed(&line, code) != 0 || tcsetattr(descriptor, TCSANOW, &line) != 0)
        return via_fail(host, error, VIA_EIO, errno,
                        "try another speed, or without flow=", "the line does not take these settings");
    return VIA_OK;
}
