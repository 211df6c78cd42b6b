/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hw/hwprobe/report.h"
#include "guardian/high.h"
