/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* syrinxchunkenc: properties. */
#include "chunkenc-private.h"

#include "core/base/identifier.h"

#define DEFAULT_FORMAT      SYRINX_CHUNK_HLS_AES128
#define DEFAULT_RECORD_SIZE 4096
#define DEFAULT_FLUSH       SYRINX_CHUNK_ENC_FLUSH_NONE
#define DEFAULT_MAX_LATENCY 0

enum
{
  PROP_0,
  PROP_FORMAT,
  PROP_KEY,
  PROP_KEYID,
  PROP_SALT,
  PROP_RECORD_SIZE,
  PROP_FLUSH,
  PROP_MAX_LATENCY,
};

static void
set_salt_locked (GstSyrinxChunkEnc *self, const gchar *text)
{
  g_clear_pointer (&self->settings.salt, g_bytes_unref);
  if (text == NULL)
    return;
  self->settings.salt = syrinx_base64url_decode (text, SYRINX_ECE_SALT_BYTES);
  if (self->settings.salt
      && g_bytes_get_size (self->settings.salt) == SYRINX_ECE_SALT_BYTES)
    return;
  g_clear_pointer (&self->settings.salt, g_bytes_unref);
  g_warning ("%s: the salt is no base64url of %d bytes, so it is random",
      GST_OBJECT_NAME (self), SYRINX_ECE_SALT_BYTES);
}

static void
set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GstSyrinxChunkEnc *self = GST_SYRINX_CHUNK_ENC (object);
  SyrinxChunkEncSettings *settings = &self->settings;

  GST_OBJECT_LOCK (self);
  switch (id) {
  case PROP_FORMAT:
    settings->format = g_value_get_enum (value);
    break;
  case PROP_KEY:
    syrinx_chunk_key_set_locked (
        &settings->key, GST_ELEMENT (self), g_value_get_string (value));
    break;
  case PROP_KEYID:
    syrinx_chunk_key_set_id_locked (&settings->key, g_value_get_string (value));
    break;
  case PROP_SALT:
    set_salt_locked (self, g_value_get_string (value));
    break;
  case PROP_RECORD_SIZE:
    settings->record_size = g_value_get_uint (value);
    break;
  case PROP_FLUSH:
    settings->flush = g_value_get_enum (value);
    break;
  case PROP_MAX_LATENCY:
    settings->max_latency = g_value_get_uint64 (value);
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
  GST_OBJECT_UNLOCK (self);
}

static void
get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  GstSyrinxChunkEnc *self = GST_SYRINX_CHUNK_ENC (object);
  SyrinxChunkEncSettings *settings = &self->settings;

  GST_OBJECT_LOCK (self);
  switch (id) {
  case PROP_FORMAT:
    g_value_set_enum (value, settings->format);
    break;
  case PROP_KEYID:
    g_value_set_string (value, settings->key.id);
    break;
  case PROP_SALT:
    if (settings->salt)
      g_value_take_string (value,
          syrinx_base64url_encode (
              g_bytes_get_data (settings->salt, NULL), SYRINX_ECE_SALT_BYTES));
    break;
  case PROP_RECORD_SIZE:
    g_value_set_uint (value, settings->record_size);
    break;
  case PROP_FLUSH:
    g_value_set_enum (value, settings->flush);
    break;
  case PROP_MAX_LATENCY:
    g_value_set_uint64 (value, settings->max_latency);
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
  GST_OBJECT_UNLOCK (self);
}

static GType
flush_get_type (void)
{
  static const GEnumValue values[] = {
    { SYRINX_CHUNK_ENC_FLUSH_NONE, "A record leaves when it is full", "none" },
    { SYRINX_CHUNK_ENC_FLUSH_BUFFER,
        "A record also leaves, padded, at the end of each buffer or list",
        "buffer" },
    { 0, NULL, NULL },
  };
  static GType type;

  if (g_once_init_enter (&type))
    g_once_init_leave (
        &type, g_enum_register_static ("GstSyrinxChunkEncFlush", values));
  return type;
}

void
syrinx_chunk_enc_install_properties (GObjectClass *class)
{
  const GParamFlags flags
      = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY;

  class->set_property = set_property;
  class->get_property = get_property;
  gst_type_mark_as_plugin_api (SYRINX_TYPE_CHUNK_FORMAT, 0);
  gst_type_mark_as_plugin_api (flush_get_type (), 0);
  g_object_class_install_property (class, PROP_FORMAT,
      g_param_spec_enum ("format", "Format", "How it is encrypted",
          SYRINX_TYPE_CHUNK_FORMAT, DEFAULT_FORMAT, flags));
  g_object_class_install_property (
      class, PROP_KEY, syrinx_chunk_key_new_param_spec ());
  g_object_class_install_property (class, PROP_KEYID,
      g_param_spec_string ("keyid", "Key id",
          "ece: name of the key in the message's header, in clear, at most "
          "255 bytes",
          NULL, flags));
  g_object_class_install_property (class, PROP_SALT,
      g_param_spec_string ("salt", "Salt",
          "ece: base64url of the first message's salt, 16 bytes; never the "
          "same for two contents under one key (NULL: random)",
          NULL, flags));
  g_object_class_install_property (class, PROP_RECORD_SIZE,
      g_param_spec_uint ("record-size", "Record size",
          "ece: bytes of a record, of which 17 are delimiter and tag",
          SYRINX_ECE_MIN_RECORD_SIZE, SYRINX_ECE_MAX_RECORD_SIZE,
          DEFAULT_RECORD_SIZE, flags));
  g_object_class_install_property (class, PROP_FLUSH,
      g_param_spec_enum ("flush", "Flush",
          "ece: when a record leaves that is not full", flush_get_type (),
          DEFAULT_FLUSH, flags));
  g_object_class_install_property (class, PROP_MAX_LATENCY,
      g_param_spec_uint64 ("max-latency", "Maximum latency",
          "ece: a record leaves, padded, when its oldest byte has waited that "
          "many nanoseconds (0: it waits until it is full)",
          0, G_MAXINT64, DEFAULT_MAX_LATENCY, flags));
}

void
syrinx_chunk_enc_init_settings (SyrinxChunkEncSettings *settings)
{
  *settings = (SyrinxChunkEncSettings){ .format = DEFAULT_FORMAT,
    .record_size = DEFAULT_RECORD_SIZE,
    .flush = DEFAULT_FLUSH,
    .max_latency = DEFAULT_MAX_LATENCY };
}

void
syrinx_chunk_enc_clear_settings (SyrinxChunkEncSettings *settings)
{
  syrinx_chunk_key_clear (&settings->key);
  g_clear_pointer (&settings->salt, g_bytes_unref);
}
