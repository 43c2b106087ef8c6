/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* syrinxctl token: issues and revokes tokens and shows the public keys, through
 * the daemon if it runs, else on the files of its state directory. */
#include "ctl.h"

#include "core/access/access-code.h"
#include "core/store/store.h"
#include "core/access/token.h"

#include <glib/gstdio.h>

#define LISTENER_TTL_S (12 * 3600)

/* "90", "90s", "15m", "1h", "30d" → seconds; 0 if it is none of these. */
static gint64
parse_ttl (const gchar *text)
{
  gchar *unit = NULL;
  guint64 number = g_ascii_strtoull (text, &unit, 10);
  gint64 factor = g_str_equal (unit, "") || g_str_equal (unit, "s") ? 1
                  : g_str_equal (unit, "m")                         ? 60
                  : g_str_equal (unit, "h")                         ? 3600
                  : g_str_equal (unit, "d")                         ? 86400
                                                                    : 0;

  if (unit == text || !g_ascii_isdigit (*text) || number > 4000 * 86400ull)
    return 0;
  return (gint64)number * factor;
}

static gchar *
issue_by_daemon (Ctl *ctl, const SyrinxTokenRequest *request, gboolean is_short,
    GError **error)
{
  GVariantDict options;
  g_autoptr (GVariant) reply = NULL;
  gchar *token = NULL;

  g_variant_dict_init (&options, NULL);
  g_variant_dict_insert (&options, "subject", "s", request->subject);
  g_variant_dict_insert (&options, "scope", "s", request->scope);
  g_variant_dict_insert (&options, "ttl-s", "x", request->ttl_s);
  if (request->audience)
    g_variant_dict_insert (&options, "audience", "s", request->audience);
  if (request->tracks)
    g_variant_dict_insert (&options, "tracks", "s", request->tracks);
  if (request->region)
    g_variant_dict_insert (&options, "region", "s", request->region);
  if (request->rtt_ms)
    g_variant_dict_insert (&options, "rtt-ms", "u", request->rtt_ms);
  if (request->max_sessions)
    g_variant_dict_insert (&options, "sessions", "u", request->max_sessions);
  if (is_short)
    g_variant_dict_insert (&options, "short", "b", TRUE);
  reply = ctl_call (ctl, "Manager", "IssueToken",
      g_variant_new ("(@a{sv})", g_variant_dict_end (&options)), "(s)", error);
  if (reply)
    g_variant_get (reply, "(s)", &token);
  return token;
}

/* The audit log that the daemon would write to. (transfer full) */
static SyrinxAudit *
open_audit (Ctl *ctl, GError **error)
{
  g_autoptr (SyrinxConfig) config = ctl_load_config (ctl, error);

  return config ? syrinx_audit_open (ctl->state_dir, config->audit_log, error)
                : NULL;
}

static gchar *
issue_by_files (Ctl *ctl, const SyrinxTokenRequest *request, gboolean is_short,
    GError **error)
{
  g_autoptr (SyrinxStore) lock = NULL;
  g_autoptr (SyrinxIssuer) issuer = NULL;
  g_autoptr (SyrinxAudit) audit = NULL;
  g_autofree gchar *token = NULL;

  if (g_mkdir_with_parents (ctl->state_dir, 0700) < 0) {
    g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno),
        "can't make the state directory %s: %s", ctl->state_dir,
        g_strerror (errno));
    return NULL;
  }
  lock = syrinx_store_open (ctl->state_dir, TRUE, error);
  if (!lock)
    return NULL;
  audit = open_audit (ctl, error);
  /* A new token must be dated later than what has been revoked. */
  if (!audit || !syrinx_store_load_revocations (lock, error))
    return NULL;
  issuer = syrinx_issuer_open (ctl->state_dir, TRUE, error);
  token = issuer ? syrinx_issuer_issue (issuer, request, error) : NULL;
  if (token)
    syrinx_audit_note_token (audit, token, "files");
  if (!token || !is_short)
    return g_steal_pointer (&token);
  return syrinx_access_code_new (ctl->state_dir, token,
      g_get_real_time () / G_USEC_PER_SEC + request->ttl_s, error);
}

static CtlExit
issue_token (Ctl *ctl, int argc, char **argv)
{
  g_autofree gchar *subject = NULL, *scope = NULL, *ttl = NULL;
  g_autofree gchar *audience = NULL, *tracks = NULL, *region = NULL;
  gint rtt_ms = 0, max_sessions = 0;
  gboolean is_short = FALSE;
  const GOptionEntry entries[] = {
    { "subject", 's', 0, G_OPTION_ARG_STRING, &subject,
        "Who it is for (required)", "NAME" },
    { "scope", 0, 0, G_OPTION_ARG_STRING, &scope,
        "listen, original, admin, by commas (default: listen)", "SCOPE" },
    { "ttl", 0, 0, G_OPTION_ARG_STRING, &ttl,
        "How long it is good: 90s, 15m, 1h, 30d (default: 1h)", "TIME" },
    { "audience", 0, 0, G_OPTION_ARG_STRING, &audience,
        "Audience (default: syrinx)", "AUD" },
    { "tracks", 0, 0, G_OPTION_ARG_STRING, &tracks,
        "Only tracks whose id fits this pattern", "GLOB" },
    { "region", 0, 0, G_OPTION_ARG_STRING, &region, "The listener's region",
        "REGION" },
    { "rtt", 0, 0, G_OPTION_ARG_INT, &rtt_ms,
        "The listener's round trip in milliseconds", "MS" },
    { "sessions", 0, 0, G_OPTION_ARG_INT, &max_sessions,
        "How many sessions its subject may have at a time (default: as "
        "configured)",
        "N" },
    { "short", 0, 0, G_OPTION_ARG_NONE, &is_short,
        "A code of 22 characters that stands for the token", NULL },
    { NULL },
  };
  SyrinxTokenRequest request;
  g_autofree gchar *token = NULL;
  g_autoptr (GError) error = NULL;

  if (!ctl_parse ("token issue --subject NAME", entries, &argc, &argv))
    return CTL_USAGE;
  request = (SyrinxTokenRequest){ .subject = subject,
    .scope = scope ? scope : "listen",
    .audience = audience,
    .tracks = tracks,
    .region = region,
    .rtt_ms = MAX (rtt_ms, 0),
    .max_sessions = MAX (max_sessions, 0),
    .ttl_s = parse_ttl (ttl ? ttl : "1h") };
  if (!subject || request.ttl_s == 0 || argc > 1 || rtt_ms < 0
      || max_sessions < 0) {
    g_printerr ("syrinxctl: %s\n",
        argc > 1     ? "token issue takes options only"
        : !subject   ? "say who the token is for: --subject NAME"
        : rtt_ms < 0 ? "--rtt takes milliseconds"
        : max_sessions < 0
            ? "--sessions takes a number"
            : "--ttl takes a number and s, m, h or d, such as 1h");
    return CTL_USAGE;
  }
  token = ctl_connect (ctl, NULL)
              ? issue_by_daemon (ctl, &request, is_short, &error)
              : issue_by_files (ctl, &request, is_short, &error);
  if (!token)
    return ctl_report (error);
  g_print (ctl->json ? "{\"token\":\"%s\"}\n" : "%s\n", token);
  return CTL_OK;
}

gchar *
ctl_issue_listener_token (Ctl *ctl, const gchar *subject, GError **error)
{
  const SyrinxTokenRequest request
      = { .subject = subject, .scope = "listen", .ttl_s = LISTENER_TTL_S };

  return ctl_connect (ctl, NULL) ? issue_by_daemon (ctl, &request, FALSE, error)
                                 : issue_by_files (ctl, &request, FALSE, error);
}

static gboolean
revoke_by_files (
    Ctl *ctl, const gchar *jti, const gchar *subject, GError **error)
{
  g_autoptr (SyrinxStore) store
      = syrinx_store_open (ctl->state_dir, TRUE, error);
  g_autoptr (SyrinxConfig) config = store ? ctl_load_config (ctl, error) : NULL;
  g_autoptr (SyrinxAudit) audit = config ? open_audit (ctl, error) : NULL;
  gint64 until_s;

  if (!audit)
    return FALSE;
  /* A revoked jti is kept as long as the longest token is valid. */
  until_s = jti ? g_get_real_time () / G_USEC_PER_SEC
                      + 3650 * G_GINT64_CONSTANT (86400)
                : syrinx_get_revocation_end_s (config->clock_leeway_s);
  if (!syrinx_store_put_revocation (store, jti, subject, until_s, error))
    return FALSE;
  syrinx_audit_note (audit, &(SyrinxAuditEntry){ .event = "token-revoked",
                                .jti = jti,
                                .subject = subject,
                                .through = "files" });
  return TRUE;
}

static CtlExit
revoke_token (Ctl *ctl, int argc, char **argv)
{
  g_autofree gchar *jti = NULL, *subject = NULL;
  const GOptionEntry entries[] = {
    { "jti", 0, 0, G_OPTION_ARG_STRING, &jti, "The token with this id", "JTI" },
    { "subject", 's', 0, G_OPTION_ARG_STRING, &subject,
        "Every token issued to NAME up to now", "NAME" },
    { NULL },
  };
  g_autoptr (GError) error = NULL;

  if (!ctl_parse (
          "token revoke --jti JTI | --subject NAME", entries, &argc, &argv))
    return CTL_USAGE;
  if (!jti == !subject || argc > 1) {
    g_printerr ("syrinxctl: say which: --jti JTI or --subject NAME\n");
    return CTL_USAGE;
  }
  if (ctl_connect (ctl, NULL)) {
    g_autoptr (GVariant) reply = ctl_call (ctl, "Manager", "RevokeToken",
        g_variant_new ("(ss)", jti ? jti : "", subject ? subject : ""), "()",
        &error);
    return reply ? CTL_OK : ctl_report (error);
  }
  return revoke_by_files (ctl, jti, subject, &error) ? CTL_OK
                                                     : ctl_report (error);
}

/* The public keys by which others check our tokens. */
static CtlExit
show_jwks (Ctl *ctl, int argc, char **argv)
{
  const GOptionEntry entries[] = { { NULL } };
  g_autoptr (GError) error = NULL;
  g_autoptr (SyrinxIssuer) issuer = NULL;
  g_autofree gchar *jwks = NULL;

  if (!ctl_parse ("token jwks", entries, &argc, &argv) || argc > 1)
    return CTL_USAGE;
  issuer = syrinx_issuer_open (ctl->state_dir, FALSE, &error);
  if (!issuer)
    return ctl_report (error);
  jwks = syrinx_issuer_get_jwks (issuer);
  g_print ("%s\n", jwks);
  return CTL_OK;
}

CtlExit
ctl_token (Ctl *ctl, int argc, char **argv)
{
  if (argc > 1 && g_str_equal (argv[1], "issue"))
    return issue_token (ctl, argc - 1, argv + 1);
  if (argc > 1 && g_str_equal (argv[1], "revoke"))
    return revoke_token (ctl, argc - 1, argv + 1);
  if (argc > 1 && g_str_equal (argv[1], "jwks"))
    return show_jwks (ctl, argc - 1, argv + 1);
  g_printerr ("syrinxctl: token takes `issue`, `revoke` or `jwks`\n");
  return CTL_USAGE;
}
