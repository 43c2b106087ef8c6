/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Serialisation of a session. */
#include "session-json.h"

#include "core/base/json.h"

typedef enum
{
  STRING, /* s */
  UINT,   /* u */
  INT64,  /* x */
  UINT64  /* t */
} Type;

static const struct
{
  const gchar *json, *property;
  Type type;
  gsize offset; /* in the facts */
  gboolean changes;
} members[] = {
#define MEMBER(json, property, type, field, changes)                           \
  {                                                                            \
    json, property, type, G_STRUCT_OFFSET (SyrinxSessionFacts, field), changes \
  }
  MEMBER ("id", "Id", STRING, id, FALSE),
  MEMBER ("subject", "Subject", STRING, subject, FALSE),
  MEMBER ("track_id", "TrackId", STRING, track_id, FALSE),
  MEMBER ("rendition", "Rendition", STRING, rendition, FALSE),
  MEMBER ("region", "Region", STRING, region, FALSE),
  MEMBER ("client", "Client", STRING, client, FALSE),
  MEMBER ("state", "State", STRING, state, TRUE),
  MEMBER ("encryption", "Encryption", STRING, encryption, FALSE),
  MEMBER ("created_at", "CreatedAt", INT64, created_at_s, FALSE),
  MEMBER ("expires_at", "ExpiresAt", INT64, expires_at_s, TRUE),
  MEMBER ("bytes_sent", "BytesSent", UINT64, bytes_sent, TRUE),
  MEMBER ("rtt_ms", "RttMs", UINT, rtt_ms, FALSE),
  MEMBER ("reason", "Reason", STRING, reason, TRUE),
#undef MEMBER
};

/* --- JSON --- */

/* json-glib's integers are gint64: larger counts of bytes can't occur. */
static gint64
get_number (const SyrinxSessionFacts *facts, guint i)
{
  switch (members[i].type) {
  case UINT:
    return G_STRUCT_MEMBER (guint, facts, members[i].offset);
  case INT64:
    return G_STRUCT_MEMBER (gint64, facts, members[i].offset);
  default:
    return MIN (G_STRUCT_MEMBER (guint64, facts, members[i].offset),
        (guint64)G_MAXINT64);
  }
}

void
syrinx_session_add_json (SyrinxSession *session, JsonBuilder *json)
{
  SyrinxSessionFacts facts;

  syrinx_session_get_facts (session, &facts);
  for (guint i = 0; i < G_N_ELEMENTS (members); i++)
    if (members[i].type == STRING)
      syrinx_json_add_string (json, members[i].json,
          G_STRUCT_MEMBER (gchar *, &facts, members[i].offset));
    else
      syrinx_json_add_int (json, members[i].json, get_number (&facts, i));
}

/* --- D-Bus --- */

static GVariant *
new_string (const gchar *text)
{
  g_autofree gchar *valid = text && !g_utf8_validate (text, -1, NULL)
                                ? g_utf8_make_valid (text, -1)
                                : NULL;

  return g_variant_new_string (valid ? valid : text ? text : "");
}

static GVariant *
make_variant (const SyrinxSessionFacts *facts, guint i)
{
  switch (members[i].type) {
  case UINT:
    return g_variant_new_uint32 (
        G_STRUCT_MEMBER (guint, facts, members[i].offset));
  case INT64:
    return g_variant_new_int64 (
        G_STRUCT_MEMBER (gint64, facts, members[i].offset));
  case UINT64:
    return g_variant_new_uint64 (
        G_STRUCT_MEMBER (guint64, facts, members[i].offset));
  default:
    return new_string (G_STRUCT_MEMBER (gchar *, facts, members[i].offset));
  }
}

GVariant *
syrinx_session_get_variant (SyrinxSession *session, const gchar *property)
{
  SyrinxSessionFacts facts;

  syrinx_session_get_facts (session, &facts);
  for (guint i = 0; i < G_N_ELEMENTS (members); i++)
    if (g_str_equal (members[i].property, property))
      return make_variant (&facts, i);
  return NULL;
}

static GVariant *
make_dictionary (SyrinxSession *session, gboolean only_changes)
{
  SyrinxSessionFacts facts;
  GVariantBuilder builder;

  syrinx_session_get_facts (session, &facts);
  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  for (guint i = 0; i < G_N_ELEMENTS (members); i++)
    if (members[i].changes || !only_changes)
      g_variant_builder_add (
          &builder, "{sv}", members[i].property, make_variant (&facts, i));
  return g_variant_builder_end (&builder);
}

GVariant *
syrinx_session_to_variant (SyrinxSession *session)
{
  return make_dictionary (session, FALSE);
}

GVariant *
syrinx_session_changes_to_variant (SyrinxSession *session)
{
  return make_dictionary (session, TRUE);
}
