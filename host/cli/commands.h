/* SPDX-License-Identifier: Apache-2.0 */
/* What runs each subcommand. Each answers an exit status and has told its errors. */
#ifndef VIADUCT_CLI_COMMANDS_H
#define VIADUCT_CLI_COMMANDS_H

#include "cli.h"

int via_cli_run_plugins(const via_cli_args *args);
int via_cli_run_endpoints(const via_cli_args *args);
int via_cli_run_validate(const via_cli_args *args);
int via_cli_run_explain(const via_cli_args *args);
int via_cli_run_tap(const via_cli_args *args);
int via_cli_run_replay(const via_cli_args *args);
int via_cli_run_choose(const via_cli_args *args);
int via_cli_run_seal(const via_cli_args *args);
int via_cli_run_listen(const via_cli_args *args);
int via_cli_run_dial(const via_cli_args *args);
int via_cli_run_send(const via_cli_args *args);
int via_cli_run_pub(const via_cli_args *args);
int via_cli_run_push(const via_cli_args *args);
int via_cli_run_recv(const via_cli_args *args);
int via_cli_run_sub(const via_cli_args *args);
int via_cli_run_pull(const via_cli_args *args);
int via_cli_run_bridge(const via_cli_args *args);
int via_cli_run_serve(const via_cli_args *args);
int via_cli_run_call(const via_cli_args *args);
int via_cli_run_copy(const via_cli_args *args);
int via_cli_run_paste(const via_cli_args *args);
int via_cli_run_tap(const via_cli_args *args);
int via_cli_run_replay(const via_cli_args *args);
int via_cli_run_bench(const via_cli_args *args);
int via_cli_run_new_plugin(const via_cli_args *args);
int via_cli_run_certify(const via_cli_args *args);
int via_cli_run_ps(const via_cli_args *args);
int via_cli_run_stats(const via_cli_args *args);
int via_cli_run_top(const via_cli_args *args);
int via_cli_run_doctor(const via_cli_args *args);
int via_cli_run_bench_worker(const via_cli_args *args);

#endif
