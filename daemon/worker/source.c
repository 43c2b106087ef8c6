/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A source over an open descriptor: fdsrc has no random access, without which
 * demuxers can't look at a file's end. */
#include "source.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

struct _SyrinxDescriptorSrc
{
  GstBaseSrc parent;
  gint fd; /* constant after creation */
};

G_DEFINE_TYPE (SyrinxDescriptorSrc, syrinx_descriptor_src, GST_TYPE_BASE_SRC)

static GstFlowReturn
syrinx_descriptor_src_fill (
    GstBaseSrc *base, guint64 offset, guint length, GstBuffer *buffer)
{
  SyrinxDescriptorSrc *self = SYRINX_DESCRIPTOR_SRC (base);
  GstMapInfo map;
  gsize done = 0;

  if (!gst_buffer_map (buffer, &map, GST_MAP_WRITE))
    return GST_FLOW_ERROR;
  while (done < length) {
    gssize n = pread (self->fd, map.data + done, length - done, offset + done);
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      break;
    done += n;
  }
  gst_buffer_unmap (buffer, &map);
  if (done == 0)
    return GST_FLOW_EOS;
  gst_buffer_resize (buffer, 0, done);
  GST_BUFFER_OFFSET (buffer) = offset;
  GST_BUFFER_OFFSET_END (buffer) = offset + done;
  return GST_FLOW_OK;
}

static gboolean
syrinx_descriptor_src_get_size (GstBaseSrc *base, guint64 *size)
{
  struct stat st;

  if (fstat (SYRINX_DESCRIPTOR_SRC (base)->fd, &st) != 0)
    return FALSE;
  *size = st.st_size;
  return TRUE;
}

static gboolean
syrinx_descriptor_src_is_seekable (GstBaseSrc *base)
{
  return TRUE;
}

static void
syrinx_descriptor_src_class_init (SyrinxDescriptorSrcClass *klass)
{
  static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE (
      "src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);
  GstBaseSrcClass *base = GST_BASE_SRC_CLASS (klass);

  base->fill = syrinx_descriptor_src_fill;
  base->get_size = syrinx_descriptor_src_get_size;
  base->is_seekable = syrinx_descriptor_src_is_seekable;
  gst_element_class_add_static_pad_template (
      GST_ELEMENT_CLASS (klass), &src_template);
  gst_element_class_set_static_metadata (GST_ELEMENT_CLASS (klass),
      "Descriptor source", "Source/File", "Reads an open descriptor",
      "The Syrinx developers");
}

static void
syrinx_descriptor_src_init (SyrinxDescriptorSrc *self)
{
  self->fd = -1;
  gst_base_src_set_format (GST_BASE_SRC (self), GST_FORMAT_BYTES);
  gst_base_src_set_blocksize (GST_BASE_SRC (self), 65536);
}

GstElement *
syrinx_descriptor_src_new (gint fd)
{
  SyrinxDescriptorSrc *self = g_object_new (SYRINX_TYPE_DESCRIPTOR_SRC, NULL);

  self->fd = fd;
  return GST_ELEMENT (self);
}
