/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* syrinxsrtpenc: RTP to SRTP, for one sender. */

/**
 * SECTION:element-syrinxsrtpenc
 * @title: syrinxsrtpenc
 *
 * Encrypts RTP packets with #context, which the application shares with the
 * element, since it protects sender reports with the same context. No property
 * or caps contain the key, and the packet index is kept over flushes. The
 * element delays no data, has no thread, and passes all events and queries
 * except caps unchanged.
 *
 * ## Example pipeline
 * |[
 * syrinxstoresrc ! syrinxauthgate ! syrinxgeoqueue ! rtpopuspay ! \
 *   syrinxsrtpenc ! syrinxrtpsink
 * ]|
 */
#include "gstsyrinxsrtpenc.h"

#include "core/crypto/srtp.h"

GST_DEBUG_CATEGORY_STATIC (srtpenc_debug);
#define GST_CAT_DEFAULT srtpenc_debug

struct _GstSyrinxSrtpEnc
{
  GstElement parent;

  GstPad *sink_pad, *source_pad; /* constant after init */
  SyrinxSrtp *context;           /* protected by the object lock; (nullable) */
};

enum
{
  PROP_CONTEXT = 1
};

#define gst_syrinx_srtp_enc_parent_class parent_class
G_DEFINE_FINAL_TYPE (GstSyrinxSrtpEnc, gst_syrinx_srtp_enc, GST_TYPE_ELEMENT)
GST_ELEMENT_REGISTER_DEFINE (
    syrinxsrtpenc, "syrinxsrtpenc", GST_RANK_NONE, GST_TYPE_SYRINX_SRTP_ENC)

/* --- Packets: hot --- */

/* (transfer full) (nullable): without a context no packet passes. */
static SyrinxSrtp *
get_context (GstSyrinxSrtpEnc *self)
{
  SyrinxSrtp *context;

  GST_OBJECT_LOCK (self);
  context = self->context ? syrinx_srtp_ref (self->context) : NULL;
  GST_OBJECT_UNLOCK (self);
  if (!context)
    GST_ELEMENT_ERROR (self, STREAM, ENCODE, ("There is no key to encrypt by."),
        ("set the property context"));
  return context;
}

/* A copy, since the packet grows. (transfer full) (nullable) */
static GstBuffer *
protect (GstSyrinxSrtpEnc *self, SyrinxSrtp *context, GstBuffer *packet)
{
  gsize size = gst_buffer_get_size (packet);
  GstBuffer *made
      = gst_buffer_new_allocate (NULL, size + SYRINX_SRTP_TAG_BYTES, NULL);
  GstMapInfo map;
  gboolean done;

  gst_buffer_copy_into (made, packet, GST_BUFFER_COPY_METADATA, 0, -1);
  gst_buffer_map (made, &map, GST_MAP_READWRITE);
  gst_buffer_extract (packet, 0, map.data, size);
  done = syrinx_srtp_protect (context, map.data, size);
  gst_buffer_unmap (made, &map);
  if (done)
    return made;
  gst_buffer_unref (made);
  GST_ELEMENT_ERROR (self, STREAM, ENCODE, ("A packet can't be encrypted."),
      ("%" G_GSIZE_FORMAT " bytes that are no RTP packet, or one that does not "
       "come after the last one",
          size));
  return NULL;
}

static GstFlowReturn
srtp_enc_chain (GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  GstSyrinxSrtpEnc *self = GST_SYRINX_SRTP_ENC (parent);
  g_autoptr (SyrinxSrtp) context = get_context (self);
  GstBuffer *made = context ? protect (self, context, buffer) : NULL;

  gst_buffer_unref (buffer);
  return made ? gst_pad_push (self->source_pad, made) : GST_FLOW_ERROR;
}

static GstFlowReturn
srtp_enc_chain_list (GstPad *pad, GstObject *parent, GstBufferList *list)
{
  GstSyrinxSrtpEnc *self = GST_SYRINX_SRTP_ENC (parent);
  g_autoptr (SyrinxSrtp) context = get_context (self);
  guint n = gst_buffer_list_length (list), done = 0;
  GstBufferList *made = gst_buffer_list_new_sized (n);

  while (context && done < n) {
    GstBuffer *one = protect (self, context, gst_buffer_list_get (list, done));
    if (!one)
      break;
    gst_buffer_list_insert (made, -1, one);
    done++;
  }
  gst_buffer_list_unref (list);
  if (context && done == n)
    return gst_pad_push_list (self->source_pad, made);
  gst_buffer_list_unref (made);
  return GST_FLOW_ERROR;
}

/* --- Events --- */

static gboolean
set_caps (GstSyrinxSrtpEnc *self, GstEvent *event)
{
  g_autoptr (GstCaps) made = NULL;
  GstCaps *caps;

  gst_event_parse_caps (event, &caps);
  made = gst_caps_copy (caps);
  gst_structure_set_name (
      gst_caps_get_structure (made, 0), "application/x-srtp");
  gst_event_unref (event);
  return gst_pad_push_event (self->source_pad, gst_event_new_caps (made));
}

static gboolean
srtp_enc_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  return GST_EVENT_TYPE (event) == GST_EVENT_CAPS
             ? set_caps (GST_SYRINX_SRTP_ENC (parent), event)
             : gst_pad_event_default (pad, parent, event);
}

/* --- GObject --- */

static void
srtp_enc_set_property (
    GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GstSyrinxSrtpEnc *self = GST_SYRINX_SRTP_ENC (object);

  if (id != PROP_CONTEXT) {
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    return;
  }
  GST_OBJECT_LOCK (self);
  g_clear_pointer (&self->context, syrinx_srtp_unref);
  self->context = g_value_dup_boxed (value);
  GST_OBJECT_UNLOCK (self);
}

static void
srtp_enc_finalize (GObject *object)
{
  g_clear_pointer (&GST_SYRINX_SRTP_ENC (object)->context, syrinx_srtp_unref);
  G_OBJECT_CLASS (parent_class)->finalize (object);
}

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE ("sink",
    GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS ("application/x-rtp"));
static GstStaticPadTemplate source_template = GST_STATIC_PAD_TEMPLATE (
    "src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS ("application/x-srtp"));

static void
gst_syrinx_srtp_enc_init (GstSyrinxSrtpEnc *self)
{
  self->sink_pad = gst_pad_new_from_static_template (&sink_template, "sink");
  gst_pad_set_chain_function (self->sink_pad, srtp_enc_chain);
  gst_pad_set_chain_list_function (self->sink_pad, srtp_enc_chain_list);
  gst_pad_set_event_function (self->sink_pad, srtp_enc_event);
  gst_element_add_pad (GST_ELEMENT (self), self->sink_pad);
  self->source_pad = gst_pad_new_from_static_template (&source_template, "src");
  gst_element_add_pad (GST_ELEMENT (self), self->source_pad);
}

static void
gst_syrinx_srtp_enc_class_init (GstSyrinxSrtpEncClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);

  GST_DEBUG_CATEGORY_INIT (srtpenc_debug, "syrinxsrtpenc", 0, "RTP to SRTP");
  object_class->set_property = srtp_enc_set_property;
  object_class->finalize = srtp_enc_finalize;
  g_object_class_install_property (object_class, PROP_CONTEXT,
      g_param_spec_boxed ("context", "Context",
          "What encrypts, with its key and all that it has sent; shared",
          SYRINX_TYPE_SRTP,
          G_PARAM_WRITABLE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY));
  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &source_template);
  gst_element_class_set_static_metadata (element_class, "SRTP encoder",
      "Filter/Network/SRTP",
      "Encrypts the RTP packets of one sender (AES_CM_128_HMAC_SHA1_80)",
      "The Syrinx project");
}
