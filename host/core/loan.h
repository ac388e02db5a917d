/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loans on transports that have none: a buffer of the host's, sent as an ordinary message.
 *
 * Owns: those buffers. One per channel is kept for the next loan, and given up when the channel goes idle.
 */
#ifndef VIADUCT_HOST_LOAN_H
#define VIADUCT_HOST_LOAN_H

#include "core/channel.h"

/* Frees the kept buffer. Any thread. */
void via_loan_forget(via_channel *channel);

#endif
