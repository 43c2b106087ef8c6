/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A source element over an open descriptor, with random access. */
#pragma once

#include <gst/base/gstbasesrc.h>

G_BEGIN_DECLS

#define SYRINX_TYPE_DESCRIPTOR_SRC (syrinx_descriptor_src_get_type ())
G_DECLARE_FINAL_TYPE (SyrinxDescriptorSrc, syrinx_descriptor_src, SYRINX,
    DESCRIPTOR_SRC, GstBaseSrc)

/* @fd: a regular file, must stay open while the element is used. (transfer
 * floating) */
GstElement *syrinx_descriptor_src_new (gint fd);

G_END_DECLS
