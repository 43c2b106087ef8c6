/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where a listener is: a region of those that the operator named, and a round
 * trip. Immutable, so any thread may ask. */
#pragma once

#include "daemon/config/region.h"

G_BEGIN_DECLS

typedef struct _SyrinxGeography SyrinxGeography;

typedef struct
{
  const GPtrArray *regions;    /* (element-type SyrinxRegion) */
  const gchar *default_region; /* of whom nothing better is known */
  const gchar *const *proxies; /* trusted: ADDRESS or ADDRESS/BITS */
  const gchar *database;       /* (nullable): a MaxMind file */
} SyrinxGeographySettings;

/* Copies what it needs. Errors: INVALID (a proxy that is no address, a file
 * that is no database), FAILED (one that can't be read). (transfer full) */
SyrinxGeography *
syrinx_geography_new (const SyrinxGeographySettings *settings, GError **error);
void syrinx_geography_free (SyrinxGeography *geography);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyrinxGeography, syrinx_geography_free)

/* What a request tells; all of it may be NULL. Nothing is taken on trust but
 * the token's claims: a header counts only if @peer is a trusted proxy. */
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
  const gchar *region; /* a configured one or the default; good for ever */
  guint rtt_ms;        /* at most SYRINX_REGION_MAX_RTT_MS */
  guint weight;
  gchar client[46]; /* the listener's own address, "" if unknown */
} SyrinxPlace;

void syrinx_geography_locate (
    SyrinxGeography *geography, const SyrinxClues *clues, SyrinxPlace *place);

/* The listener's own address: the last of @forwarded (nullable) that is no
 * trusted proxy, if @peer is one; else @peer. Writes at most 46 bytes. */
void syrinx_geography_find_client (SyrinxGeography *geography,
    const gchar *peer, const gchar *forwarded, gchar client[46]);
gboolean
syrinx_geography_is_proxy (SyrinxGeography *geography, const gchar *address);

G_END_DECLS
