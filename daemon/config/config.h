/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Configuration: defaults, overridden by syrinx.conf, then by SYRINX_… in the
 * environment, then by the command line. A plain value once it is loaded. */
#pragma once

#include "region.h"

G_BEGIN_DECLS

typedef struct
{
  gchar **library;  /* absolute folders */
  gchar **suffixes; /* of files that are music; none: those that are known */
  gchar *state_dir;
  gchar *rtsp;                      /* ADDR:PORT or none */
  gchar *rtsps;                     /* ADDR:PORT; (nullable): none */
  gchar *rtsp_profile;              /* any or savp */
  gchar *http, *admin;              /* ADDR:PORT; port 0: any that is free */
  gchar *https;                     /* ADDR:PORT; (nullable): none */
  gchar *tls_certificate, *tls_key; /* PEM files; (nullable) */
  gchar *bus;                       /* session, system or none */
  gchar *audience;                  /* of tokens */
  gchar *issuer;                    /* of tokens; (nullable): any */
  guint
      clock_leeway_s; /* tolerance for clocks, when tokens' dates are checked */
  gchar *jwks;        /* file with other issuers' keys; (nullable) */
  gchar *master_key, *master_key_next; /* files; (nullable): see keyring.h */
  gboolean master_key_group_ok;
  gchar *audit_log;     /* path or none; (nullable): STATE_DIR/audit.log */
  gchar *pipelines_dir; /* the operator's own session shapes; (nullable) */
  gchar *region;        /* of clients whose region is unknown */
  GPtrArray *regions;   /* (element-type SyrinxRegion) */
  gchar **trusted_proxies;
  gchar *geo_database;  /* (nullable) */
  gchar **renditions;   /* offered, the first is the default */
  guint64 cache_bytes;  /* renditions on disk */
  guint64 memory_bytes; /* fragments in memory */
  guint max_sessions;
  guint max_sessions_per_subject; /* unless the token says another number */
  guint max_sessions_per_address;
  guint max_egress_kbps;    /* 0: any */
  guint egress_budget_kbps; /* 0: any */
  guint priority_percent;
  guint max_cpu_percent; /* of all cores; 0: any */
  guint admission_queue;
  guint admission_wait_ms;
  guint max_connections_per_address;
  guint requests_per_second; /* of one client address */
  guint requests_per_second_per_subject;
  guint workers;           /* at most so many syrinx-worker processes */
  gchar *worker_user;      /* (nullable): one that nobody has */
  gchar *worker_sandbox;   /* require or try */
  guint drain_s;           /* how long streams may go on after SIGTERM */
  guint rescan_interval_s; /* of shares */
  guint forget_days;       /* that what is missing is remembered */

  /* origin */
  gchar *file; /* (nullable) */
  GHashTable *overrides;
} SyrinxConfig;

/* @file (nullable): NULL reads /etc/syrinx/syrinx.conf if it exists.
 * @overrides: key → value, from the command line. (transfer full) Errors:
 * INVALID, naming file, line and key. */
SyrinxConfig *
syrinx_config_load (const gchar *file, GHashTable *overrides, GError **error);
/* Reads the file that @config came from once more, with the same overrides.
 * (transfer full) Errors: as syrinx_config_load(). */
SyrinxConfig *
syrinx_config_load_again (const SyrinxConfig *config, GError **error);
/* Takes over from @fresh the values that can change in a running daemon. The
 * others stay, with a warning if they differ. The replaced values go to
 * @fresh. */
void syrinx_config_adopt (SyrinxConfig *config, SyrinxConfig *fresh);
void syrinx_config_free (SyrinxConfig *config);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxConfig, syrinx_config_free)

/* The default file with comments. (transfer full) */
gchar *syrinx_config_describe (void);
/* The name of key number @n, its comment, and its default (nullable). NULL:
 * there are no more. */
const gchar *
syrinx_config_get_key (guint n, const gchar **comment, const gchar **fallback);

G_END_DECLS
