/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A fragment source: the producer, which commits what it makes. */
#include "fragment-source.h"

typedef struct
{
  SyrinxFragmentSource source;
  SyrinxProducer producer;
  gpointer user_data;
} MakerSource;

static SyrinxSourceAnswer
ask (SyrinxFragmentSource *source, SyrinxFragmentRequest *request,
    GBytes **chunk, GError **error)
{
  MakerSource *maker = (MakerSource *)source;

  maker->producer.produce (
      request->rendition, request->number, maker->user_data);
  return SYRINX_ANSWER_LATER;
}

static void
maker_source_free (SyrinxFragmentSource *source)
{
  g_free (source);
}

SyrinxFragmentSource *
syrinx_maker_source_new (const SyrinxProducer *producer, gpointer user_data)
{
  MakerSource *maker = g_new0 (MakerSource, 1);

  maker->source = (SyrinxFragmentSource){
    .kind = SYRINX_SOURCE_MAKER, .ask = ask, .free = maker_source_free
  };
  maker->producer = *producer;
  maker->user_data = user_data;
  return &maker->source;
}
