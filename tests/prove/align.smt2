; SPDX-License-Identifier: LGPL-2.1-or-later
; hws_align_up() for all values and powers of two: behind its check of overflow the result is a
; multiple, not smaller, and less than one alignment larger.
; C guardian/validate.h: *ret_value = (value + alignment - 1) & ~(alignment - 1);
(set-logic QF_BV)
(declare-const value (_ BitVec 64))
(declare-const alignment (_ BitVec 64))
(define-fun low () (_ BitVec 64) (bvsub alignment (_ bv1 64)))
(define-fun good ((x (_ BitVec 64))) Bool
  (and (bvuge x value) (bvult (bvsub x value) alignment) (= (bvand x low) (_ bv0 64))))
(define-fun code () Bool (good (bvand (bvsub (bvadd value alignment) (_ bv1 64)) (bvnot low))))
(define-fun MUTANT_NEXT () Bool (good (bvand (bvadd value alignment) (bvnot low))))
(define-fun truth () Bool true)
(assert (and (not (= alignment (_ bv0 64))) (= (bvand alignment low) (_ bv0 64))))
(assert (bvule value (bvsub (bvnot (_ bv0 64)) low)))
(assert (not (= code truth)))
(check-sat)
