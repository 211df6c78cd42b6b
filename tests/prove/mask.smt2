; SPDX-License-Identifier: LGPL-2.1-or-later
; A rule's mask, for all values: a write passes exactly when every bit outside the mask stays what
; it was.
; C guardian/policy-internal.h: !((a->value ^ a->old) & ~mask);
(set-logic QF_BV)
(declare-const value (_ BitVec 64))
(declare-const old (_ BitVec 64))
(declare-const mask (_ BitVec 64))
(define-fun code () Bool (= (bvand (bvxor value old) (bvnot mask)) (_ bv0 64)))
(define-fun MUTANT_INSIDE () Bool (= (bvand (bvxor value old) mask) (_ bv0 64)))
(define-fun MUTANT_VALUE () Bool (= (bvand value (bvnot mask)) (_ bv0 64)))
(define-fun truth () Bool (= (bvor value mask) (bvor old mask)))
(assert (not (= code truth)))
(check-sat)
