; SPDX-License-Identifier: LGPL-2.1-or-later
; The one range check, for all of the 2^192 arguments: hws_range_ok() says true exactly when
; off + len <= size among the integers (66 bits hold every sum).
; C shim/base.h: return off <= size && len <= size - off;
(set-logic QF_BV)
(declare-const off (_ BitVec 64))
(declare-const len (_ BitVec 64))
(declare-const size (_ BitVec 64))
(define-fun wide ((x (_ BitVec 64))) (_ BitVec 66) ((_ zero_extend 2) x))
(define-fun code () Bool (and (bvule off size) (bvule len (bvsub size off))))
(define-fun MUTANT_SUM () Bool (bvule (bvadd off len) size))
(define-fun MUTANT_HALF () Bool (bvule len (bvsub size off)))
(define-fun truth () Bool (bvule (bvadd (wide off) (wide len)) (wide size)))
(assert (not (= code truth)))
(check-sat)
