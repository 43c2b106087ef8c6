/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where a listener is: one of the regions that the operator configured, and a
 * round trip. Immutable, so any thread may use it. */
#pragma once

#include "daemon/config/region.h"

G_BEGIN_DECLS

typedef struct _SyrinxGeography SyrinxGeography;

typedef struct
{
  const GPtrArray *regions;    /* (element-type SyrinxRegion) */
  const gchar *default_region; /* if no source names another */
  const gchar *const *proxies; /* trusted: ADDRESS or ADDRESS/BITS */
  const gchar *database;       /* (nullable): a MaxMind file */
} SyrinxGeographySettings;

/* Copies its settings. Errors: INVALID (a proxy that is no address, a file that
 * is no database), FAILED (a file that can't be read). (transfer full) */
SyrinxGeography *
syrinx_geography_new (const SyrinxGeographySettings *settings, GError **error);
void syrinx_geography_free (SyrinxGeography *geography);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxGeography, syrinx_geography_free)

/* The properties of a request; all may be NULL. Only the token's claims are
 * trusted by themselves: a header counts only if @peer is a trusted proxy. */
typedef struct
{
  const gchar *token_region;
  gint token_rtt_ms;         /* -1: the token does not say */
  const gchar *peer;         /* address at the other end of the connection */
  const gchar *proxy_region; /* X-Syrinx-Region */
  const gchar *forwarded;    /* X-Forwarded-For */
} SyrinxClues;

typedef struct
{
  const gchar *region; /* configured, or the default; interned */
  guint rtt_ms;        /* at most SYRINX_REGION_MAX_RTT_MS */
  guint weight;
  gchar client[46]; /* the listener's own address, "" if unknown */
} SyrinxPlace;

void syrinx_geography_locate (
    SyrinxGeography *geography, const SyrinxClues *clues, SyrinxPlace *place);

/* Writes the listener's own address: if @peer is a trusted proxy, the last
 * address in @forwarded (nullable) that is none; else @peer. At most 46
 * bytes. */
void syrinx_geography_find_client (SyrinxGeography *geography,
    const gchar *peer, const gchar *forwarded, gchar client[46]);
gboolean
syrinx_geography_is_proxy (SyrinxGeography *geography, const gchar *address);

G_END_DECLS
