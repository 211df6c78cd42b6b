/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* TODO: later */
static const char path[] = "/work/main/x";
static char template[] = "/tmp/hwsafe-XXXXXX"; /* XXXXXX is mkstemp's */
/* see /tmp/wt/lint */
int fixme; /* FIXME */
